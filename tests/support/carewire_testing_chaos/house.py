"""The whole house as a larger deployment runs it: each role a process of its own, behind lines that can be cut."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from carewire_contracts.topics import Topics
from carewire_local.backoff import BackOff
from carewire_local.cache import cache_folder
from carewire_local.child import Child, ChildMaker
from carewire_local.jars import KAFKA_VERSION, locked_jars, provide, repository_url
from carewire_local.java import find_java
from carewire_local.kafka_server import KafkaServer
from carewire_local.ports import Ports
from carewire_local.postgres_server import PostgresServer
from carewire_local.progress import Report
from carewire_local.quick_start import quick_start_options
from carewire_local.service_process import Service, ServiceProcess
from carewire_local.service_setup import set_up
from carewire_local.stack import Stack
from carewire_local.state import StateFolder
from carewire_local.supervisor import Supervisor
from carewire_runtime.sealing import Keyring
from carewire_testing.nursery import Nursery, NurseryChild
from carewire_testing_chaos import clocks
from carewire_testing_chaos.extent import Extent
from carewire_testing_chaos.proxy import Line
from carewire_testing_chaos.schedule import SERVICES
from carewire_testing_dispatcher.service import API_KEY

TIME_SCALE: Final = 1000
"""The 24 hours of retries take 86 s, the three days after which an endpoint is disabled four minutes."""
KINDS: Final = ("ingress", "orchestrator", "dispatcher")
_STOPPED_WITHIN_S: Final = 30.0
_READY_WITHIN_S: Final = 120.0
_LAUNCHER: Final = "carewire_testing_chaos.launcher"

ROLES: Final[dict[str, tuple[str, str]]] = {
    "ingress-1": ("ingress", "receiver"),
    "ingress-2": ("ingress", "receiver"),
    "request-log": ("ingress", "log-writer"),
    "orchestrator-1": ("orchestrator", "api,engine"),
    "orchestrator-2": ("orchestrator", "api,engine"),
    "api": ("dispatcher", "api"),
    "fan-out": ("dispatcher", "fan-out"),
    "worker-1": ("dispatcher", "worker"),
    "worker-2": ("dispatcher", "worker"),
    "attempt-log": ("dispatcher", "attempt-log"),
}
"""The service and the roles of each process."""


@dataclass(frozen=True)
class House:
    """Servers, lines and processes. `lines` are named as `kafka of ingress`; they have to be opened."""

    stack: Stack
    supervisor: Supervisor
    lines: Mapping[str, tuple[int, Line]]
    urls: Mapping[str, str]
    topics: Topics
    state: StateFolder
    spans: Path
    clocks: Path

    @property
    def kafka(self) -> KafkaServer:
        """The broker."""
        assert self.stack.kafka is not None
        return self.stack.kafka

    @property
    def postgres(self) -> PostgresServer:
        """The database."""
        assert self.stack.postgres is not None
        return self.stack.postgres

    def service(self, name: str) -> ServiceProcess:
        """A process by its name."""
        return self.supervisor[name]

    def clock(self, name: str) -> Path:
        """The clock of a process, which can be stepped."""
        return self.clocks / name

    def named(self, kind: str) -> list[ServiceProcess]:
        """All processes of a service."""
        return [self.supervisor[name] for name, (service, _) in ROLES.items() if service == kind]

    def start(self) -> None:
        """Set everything up and start it; the lines have to be open. Raises SetupFailed or NotReady."""
        self.supervisor.start()
        self.supervisor.wait_ready(_READY_WITHIN_S)


@contextmanager
def built(folder: Path, report: Report, extent: Extent, planted: str | None = None) -> Iterator[House]:
    """Start the servers, set the services up, and say how they are run; with a bug that is planted into them.

    They are started each by itself, or born of a process that has imported everything.
    """
    with ExitStack() as cleanup:
        nursery = cleanup.enter_context(Nursery(_LAUNCHER)) if extent.has_nursery else None
        state = StateFolder(folder / "services")
        state.hold()
        cleanup.callback(state.release)
        ports = Ports(state)
        cleanup.callback(ports.release)
        listeners = {kind: (ports.choose(f"kafka_{kind}"), ports.choose(f"kafka_line_{kind}")) for kind in KINDS}
        stack = cleanup.enter_context(_Servers(folder / "state", report, listeners))
        lines = _lines(stack, listeners, ports)
        shared = _settings(folder, extent.partitions)
        direct = {"CAREWIRE_KAFKA_BOOTSTRAP": stack.kafka_bootstrap, "CAREWIRE_POSTGRES_DSN": stack.postgres_dsn}
        child: ChildMaker = Child if nursery is None else partial(NurseryChild, nursery)
        _set_up(shared | direct, state, child, is_born=nursery is not None)
        run = _Run(stack, lines, shared, ports, folder / "clocks", planted, nursery)
        services = [run.service(name) for name in SERVICES]
        backoff = BackOff(first_s=0.2, factor=1.5, longest_s=2.0)
        supervisor = Supervisor(services, state, report=report, backoff=backoff, child=child)
        cleanup.callback(supervisor.stop)
        urls = {service.name: service.url or "" for service in services}
        topics = Topics(partitions=extent.partitions)
        yield House(stack, supervisor, lines, urls, topics, state, folder / "spans", run.clocks)


class _Servers(Stack):
    """The servers of a campaign: its Kafka speaks of itself by the line on which it is asked."""

    def __init__(self, folder: Path, report: Report, listeners: Mapping[str, tuple[int, int]]) -> None:
        super().__init__(folder, report=report, durable=False)
        if {"CAREWIRE_KAFKA_BOOTSTRAP", "CAREWIRE_POSTGRES_DSN"} & os.environ.keys():
            raise RuntimeError("the campaign kills Kafka and Postgres: it cannot be given somebody's own")
        self._listeners = listeners

    def _start_kafka(self) -> None:
        java = find_java()
        jars = provide(locked_jars(), cache_folder() / f"kafka-{KAFKA_VERSION}", repository_url(), self._report)
        port, controller_port = self.ports.choose("kafka"), self.ports.choose("kafka_controller")
        options = quick_start_options(java, jars, self._report)
        self.kafka = KafkaServer(self.state, java, jars, port, controller_port, options)
        settings = self.kafka._settings
        for kind, (inner, outer) in self._listeners.items():
            settings["listeners"] += f",{kind.upper()}://127.0.0.1:{inner}"
            settings["advertised.listeners"] += f",{kind.upper()}://127.0.0.1:{outer}"
        names = ("PLAINTEXT", "CONTROLLER", *(kind.upper() for kind in self._listeners))
        settings["listener.security.protocol.map"] = ",".join(f"{name}:PLAINTEXT" for name in names)
        self.kafka.start()


def _lines(stack: Stack, listeners: Mapping[str, tuple[int, int]], ports: Ports) -> dict[str, tuple[int, Line]]:
    """A line from each service to each server."""
    assert stack.postgres is not None
    lines: dict[str, tuple[int, Line]] = {}
    for kind, (inner, outer) in listeners.items():
        lines[f"kafka of {kind}"] = (outer, Line(inner))
        lines[f"postgres of {kind}"] = (ports.choose(f"postgres_line_{kind}"), Line(stack.postgres.port))
    return lines


def _set_up(env: Mapping[str, str], state: StateFolder, child: ChildMaker, is_born: bool) -> None:
    """Run the setup of all services. Raises SetupFailed."""
    commands = {kind: kind if is_born else _installed(kind) for kind in KINDS}
    set_up([Service(f"{kind}-setup", [command, "setup"], env) for kind, command in commands.items()], state, child)


def _installed(kind: str) -> str:
    return str(Path(sys.executable).with_name(f"carewire-{kind}"))


def _settings(folder: Path, partitions: int) -> dict[str, str]:
    spans = folder / "spans"
    spans.mkdir()
    return {
        **os.environ,
        "CAREWIRE_PARTITIONS": str(partitions),
        "CAREWIRE_ENCRYPTION_KEYS": Keyring.generate(),
        "CAREWIRE_BOOTSTRAP_API_KEY": API_KEY,
        "CAREWIRE_ALLOW_PRIVATE_ENDPOINTS": "true",
        "CAREWIRE_ALLOW_HTTP_ENDPOINTS": "true",
        "CAREWIRE_TIME_SCALE": str(TIME_SCALE),
        "CAREWIRE_REFUSED_PER_MINUTE": "1000000",
        "CAREWIRE_TRACE_SAMPLE_RATIO": "0.05",
        "CAREWIRE_HTTP_HOST": "127.0.0.1",
    }


@dataclass(frozen=True)
class _Run:
    """How the processes are run."""

    stack: Stack
    lines: Mapping[str, tuple[int, Line]]
    shared: Mapping[str, str]
    ports: Ports
    clocks: Path
    planted: str | None
    nursery: Nursery | None

    def service(self, name: str) -> Service:
        """What to run for a process: the launcher, in a process of its own or in one that is born."""
        kind, roles = ROLES[name]
        port = self.ports.choose(name)
        assert self.stack.postgres is not None
        here, line = f":{self.stack.postgres.port}/", f":{self.lines[f'postgres of {kind}'][0]}/"
        env = {
            **self.shared,
            "CAREWIRE_KAFKA_BOOTSTRAP": f"127.0.0.1:{self.lines[f'kafka of {kind}'][0]}",
            "CAREWIRE_POSTGRES_DSN": self.stack.postgres_dsn.replace(here, line),
            "CAREWIRE_HTTP_PORT": str(port),
            "CAREWIRE_TRACE_EXPORT": f"file:{self.clocks.with_name('spans') / name}.jsonl",
            "PYTHONPATH": _with_tests(self.shared.get("PYTHONPATH")),
        }
        argv = [*self._changed(name), kind, "serve", "--roles", roles]
        if self.nursery is None:
            argv = [sys.executable, "-m", _LAUNCHER, *argv]
        return Service(name, argv, env, f"http://127.0.0.1:{port}", stop_deadline_s=_STOPPED_WITHIN_S)

    def _changed(self, name: str) -> list[str]:
        self.clocks.mkdir(exist_ok=True)
        clocks.step(self.clocks / name, 0.0)
        bug = [] if self.planted is None else ["--bug", self.planted]
        return ["--clock", str(self.clocks / name), *bug]


def _with_tests(python_path: str | None) -> str:
    paths = (str(Path(__file__).parents[1]), python_path)
    return os.pathsep.join(path for path in paths if path)
