"""The whole house as a larger deployment runs it: each role a process of its own, behind lines that can be cut."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carewire_contracts.topics import Topics
from carewire_local.backoff import BackOff
from carewire_local.kafka_server import KafkaServer
from carewire_local.ports import Ports
from carewire_local.postgres_server import PostgresServer
from carewire_local.progress import Report
from carewire_local.service_process import Service, ServiceProcess
from carewire_local.service_setup import set_up
from carewire_local.stack import Stack
from carewire_local.state import StateFolder
from carewire_local.supervisor import Supervisor
from carewire_runtime.sealing import Keyring
from carewire_testing_chaos.proxy import Line
from carewire_testing_chaos.schedule import SERVICES
from carewire_testing_dispatcher.service import API_KEY

PARTITIONS: Final = 4
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

    def named(self, kind: str) -> list[ServiceProcess]:
        """All processes of a service."""
        return [self.supervisor[name] for name, (service, _) in ROLES.items() if service == kind]

    def start(self) -> None:
        """Set everything up and start it; the lines have to be open. Raises SetupFailed or NotReady."""
        self.supervisor.start()
        self.supervisor.wait_ready(_READY_WITHIN_S)


@contextmanager
def built(folder: Path, report: Report, planted: str | None = None) -> Iterator[House]:
    """Start the servers, set the services up, and say how they are run; with a bug that is planted into them."""
    with ExitStack() as cleanup:
        stack = cleanup.enter_context(Stack(folder / "state", report=report, durable=False))
        if stack.kafka is None or stack.postgres is None:
            raise RuntimeError("the campaign kills Kafka and Postgres: it cannot be given somebody's own")
        state = StateFolder(folder / "services")
        state.hold()
        cleanup.callback(state.release)
        ports = Ports(state)
        cleanup.callback(ports.release)
        lines = _lines(stack, ports)
        shared = _settings(folder)
        direct = {"CAREWIRE_KAFKA_BOOTSTRAP": stack.kafka_bootstrap, "CAREWIRE_POSTGRES_DSN": stack.postgres_dsn}
        set_up([Service(f"{kind}-setup", _command(kind, "setup"), shared | direct) for kind in KINDS], state)
        services = [_service(name, stack, lines, shared, ports, planted) for name in SERVICES]
        supervisor = Supervisor(services, state, report=report, backoff=BackOff(first_s=0.2, factor=1.5, longest_s=2.0))
        cleanup.callback(supervisor.stop)
        urls = {service.name: service.url or "" for service in services}
        yield House(stack, supervisor, lines, urls, Topics(partitions=PARTITIONS), state, folder / "spans")


def _lines(stack: Stack, ports: Ports) -> dict[str, tuple[int, Line]]:
    """A line from each service to each server, and Kafka made to speak of itself by the line on which it is asked."""
    kafka, postgres = stack.kafka, stack.postgres
    assert kafka is not None
    assert postgres is not None
    lines: dict[str, tuple[int, Line]] = {}
    listeners: dict[str, tuple[int, int]] = {}
    for kind in KINDS:
        inner, outer = ports.choose(f"kafka_{kind}"), ports.choose(f"kafka_line_{kind}")
        listeners[kind.upper()] = (inner, outer)
        lines[f"kafka of {kind}"] = (outer, Line(inner))
        lines[f"postgres of {kind}"] = (ports.choose(f"postgres_line_{kind}"), Line(postgres.port))
    settings = kafka._settings
    for name, (inner, outer) in listeners.items():
        settings["listeners"] += f",{name}://127.0.0.1:{inner}"
        settings["advertised.listeners"] += f",{name}://127.0.0.1:{outer}"
    names = ("PLAINTEXT", "CONTROLLER", *listeners)
    settings["listener.security.protocol.map"] = ",".join(f"{name}:PLAINTEXT" for name in names)
    kafka.stop()
    kafka.start()
    return lines


def _settings(folder: Path) -> dict[str, str]:
    spans = folder / "spans"
    spans.mkdir()
    return {
        **os.environ,
        "CAREWIRE_PARTITIONS": str(PARTITIONS),
        "CAREWIRE_ENCRYPTION_KEYS": Keyring.generate(),
        "CAREWIRE_BOOTSTRAP_API_KEY": API_KEY,
        "CAREWIRE_ALLOW_PRIVATE_ENDPOINTS": "true",
        "CAREWIRE_ALLOW_HTTP_ENDPOINTS": "true",
        "CAREWIRE_TIME_SCALE": str(TIME_SCALE),
        "CAREWIRE_REFUSED_PER_MINUTE": "1000000",
        "CAREWIRE_TRACE_SAMPLE_RATIO": "0.05",
        "CAREWIRE_HTTP_HOST": "127.0.0.1",
    }


def _service(
    name: str,
    stack: Stack,
    lines: Mapping[str, tuple[int, Line]],
    shared: Mapping[str, str],
    ports: Ports,
    planted: str | None,
) -> Service:
    kind, roles = ROLES[name]
    port, spans = ports.choose(name), Path(stack.state.path).parent / "spans" / f"{name}.jsonl"
    assert stack.postgres is not None
    dsn = stack.postgres_dsn.replace(f":{stack.postgres.port}/", f":{lines[f'postgres of {kind}'][0]}/")
    env = {
        **shared,
        "CAREWIRE_KAFKA_BOOTSTRAP": f"127.0.0.1:{lines[f'kafka of {kind}'][0]}",
        "CAREWIRE_POSTGRES_DSN": dsn,
        "CAREWIRE_HTTP_PORT": str(port),
        "CAREWIRE_TRACE_EXPORT": f"file:{spans}",
    }
    if planted is not None:
        paths = (str(Path(__file__).parents[1]), shared.get("PYTHONPATH"))
        env["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    argv = [*_command(kind, "serve", planted), "--roles", roles]
    return Service(name, argv, env, f"http://127.0.0.1:{port}", stop_deadline_s=_STOPPED_WITHIN_S)


def _command(kind: str, action: str, planted: str | None = None) -> list[str]:
    if planted is None:
        return [str(Path(sys.executable).with_name(f"carewire-{kind}")), action]
    return [sys.executable, "-m", _LAUNCHER, planted, kind, action]
