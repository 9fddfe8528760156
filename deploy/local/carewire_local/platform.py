"""Everything on one machine: the servers, the setup of the three services, and the services under a supervisor."""

import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from carewire_local.backoff import BackOff
from carewire_local.child import Child, ChildMaker
from carewire_local.ports import Ports
from carewire_local.progress import Report, silent
from carewire_local.service_process import Service
from carewire_local.service_setup import set_up
from carewire_local.stack import Stack
from carewire_local.state import StateFolder
from carewire_local.supervisor import Supervisor
from carewire_runtime.sealing import Keyring

# The services in the order of the data's way, with the ports they usually listen on.
SERVICES = {"ingress": 8080, "orchestrator": 8081, "dispatcher": 8082}


class Platform:
    """Servers and services of one state folder. Use it as a context manager, or call `up` and `down`.

    `env` is added to the environment of all services (CAREWIRE_TIME_SCALE and the like). With a `stack` that
    somebody else has started, only the services are started here, on a state folder of their own, and that stack
    keeps running; `env` may name a database and a topic prefix of their own then. `child` says how the processes of
    services are started.
    """

    def __init__(
        self,
        folder: Path,
        *,
        stack: Stack | None = None,
        env: Mapping[str, str] | None = None,
        report: Report = silent,
        echo: bool = False,
        backoff: BackOff | None = None,
        child: ChildMaker = Child,
    ) -> None:
        self.stack = stack or Stack(folder, report=report)
        self.urls: dict[str, str] = {}
        self.api_key = ""
        self.env: dict[str, str] = {}
        self._owns_stack = stack is None
        self._state = self.stack.state if self._owns_stack else StateFolder(folder)
        self._ports = self.stack.ports if self._owns_stack else Ports(self._state)
        self._extra_env = dict(env or {})
        self._report = report
        self._echo = echo
        self._backoff = backoff
        self._child = child
        self._supervisor: Supervisor | None = None

    @property
    def supervisor(self) -> Supervisor:
        """The supervisor of the services; RuntimeError before `up`."""
        if self._supervisor is None:
            raise RuntimeError("the platform is not up")
        return self._supervisor

    @property
    def logs(self) -> Path:
        """The folder of the log files."""
        return self._state.logs

    def up(self) -> None:
        """Start the servers, set the services up, serve, and return when all are ready.

        Raises what `Stack.up` raises, SetupFailed, or NotReady; nothing is left running then.
        """
        try:
            self._start_servers()
            self._configure()
            self._set_services_up()
            self._serve()
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Stop the services, then the servers that were started here. Harmless when nothing runs."""
        if self._supervisor is not None:
            self._supervisor.stop()
        if self._owns_stack:
            self.stack.down()
        else:
            self._ports.release()
            self._state.release()

    def _start_servers(self) -> None:
        if not self._owns_stack:
            self._state.hold()
            return
        started = time.monotonic()
        self.stack.up()
        self._report(f"Kafka and Postgres serve, after {time.monotonic() - started:.1f} s")

    def _configure(self) -> None:
        """Choose ports and keys, and build the environment that all services share."""
        self.urls = {
            name: f"http://127.0.0.1:{self._ports.choose(f'{name}_http', usual)}" for name, usual in SERVICES.items()
        }
        self.api_key = self._secret("CAREWIRE_BOOTSTRAP_API_KEY", "api_key", _new_api_key)
        self.env = {
            **os.environ,
            "CAREWIRE_KAFKA_BOOTSTRAP": self.stack.kafka_bootstrap,
            "CAREWIRE_POSTGRES_DSN": self.stack.postgres_dsn,
            "CAREWIRE_ENCRYPTION_KEYS": self._secret("CAREWIRE_ENCRYPTION_KEYS", "encryption_keys", Keyring.generate),
            "CAREWIRE_BOOTSTRAP_API_KEY": self.api_key,
            # The receivers of a developer's machine live on it, without certificates.
            "CAREWIRE_ALLOW_PRIVATE_ENDPOINTS": "true",
            "CAREWIRE_ALLOW_HTTP_ENDPOINTS": "true",
            **self._extra_env,
        }

    def _secret(self, variable: str, name: str, make: Callable[[], str]) -> str:
        """The user's own, which opens what is in the user's own database; else that of the state folder."""
        return os.environ.get(variable) or self._state.secret(name, make)

    def _set_services_up(self) -> None:
        started = time.monotonic()
        set_up([self._service(name, "setup", f"{name}-setup") for name in SERVICES], self._state, self._child)
        self._report(f"schemas, topics and keys are in place, after {time.monotonic() - started:.1f} s")

    def _serve(self) -> None:
        started = time.monotonic()
        self._supervisor = Supervisor(
            [self._service(name, "serve", name) for name in SERVICES],
            self._state,
            report=self._report,
            echo=self._echo,
            backoff=self._backoff,
            child=self._child,
        )
        self._supervisor.start()
        self._supervisor.wait_ready()
        self._report(f"all services are ready, after {time.monotonic() - started:.1f} s")

    def _service(self, name: str, action: str, process_name: str) -> Service:
        program = Path(sys.executable).with_name(f"carewire-{name}")
        url = self.urls[name]
        env = {**self.env, "CAREWIRE_HTTP_HOST": "127.0.0.1", "CAREWIRE_HTTP_PORT": url.rpartition(":")[2]}
        return Service(process_name, [str(program), action], env, url)

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()


def _new_api_key() -> str:
    """Make a key of the shape that the services make themselves: its role, then 32 random bytes."""
    return f"cw_admin_{secrets.token_urlsafe(32)}"
