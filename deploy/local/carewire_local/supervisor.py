"""Keeps services running: starts them, restarts the dead ones with back-off, stops them in order."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from carewire_local.backoff import BackOff
from carewire_local.child import Child, ChildMaker
from carewire_local.errors import NotReady
from carewire_local.log_echo import LogEcho
from carewire_local.progress import Report, silent
from carewire_local.service_process import Service, ServiceProcess
from carewire_local.state import StateFolder

_TICK_S = 0.05
_READY_POLL_S = 0.05
_PATIENCE_S = 5.0  # between two reports of what is still waited for
WRONG_CONFIGURATION = 78  # sysexits.h EX_CONFIG: starting again does not mend it


class Supervisor:
    """Runs services in a held state folder. Use it as a context manager, or call `start` and `stop`.

    `report` is told of every death and restart; with `echo` it also gets what the services print. `child` says how a
    process is started.
    """

    def __init__(
        self,
        services: Sequence[Service],
        state: StateFolder,
        *,
        report: Report = silent,
        echo: bool = False,
        backoff: BackOff | None = None,
        child: ChildMaker = Child,
    ) -> None:
        policy = backoff or BackOff()
        self._processes = {service.name: ServiceProcess(service, state, policy, child) for service in services}
        self._report = report
        self._echoes = [LogEcho(each.name, each.log, report) for each in self] if echo else []
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __getitem__(self, name: str) -> ServiceProcess:
        """Return the process of the service of that name; KeyError if there is none."""
        return self._processes[name]

    def __iter__(self) -> Iterator[ServiceProcess]:
        """Go through the processes in the order of their start."""
        return iter(self._processes.values())

    def start(self) -> None:
        """Start all services and watch over them. A supervisor is started once."""
        for process in self:
            process.start()
        self._watcher.start()

    def stop(self) -> None:
        """Stop all services side by side, each within its deadline, and stop watching. Harmless when repeated."""
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()
        with ThreadPoolExecutor(max(1, len(self._processes))) as pool:
            clean = list(pool.map(ServiceProcess.stop, self))
        self._echo()
        for process, ended_itself in zip(self, clean, strict=True):
            if not ended_itself:
                self._report(f"{process.name} did not stop in time and was killed")

    def wait_ready(self, deadline_s: float = 60.0) -> None:
        """Return when all services are ready.

        Raises NotReady with the reason of each that isn't, at the deadline, or at once when one says that its
        configuration is wrong.
        """
        end = time.monotonic() + deadline_s
        patience = time.monotonic() + _PATIENCE_S
        while waiting := self.not_ready():
            now = time.monotonic()
            if now > end or any(self[name].exit_code == WRONG_CONFIGURATION for name in waiting):
                # Asked again: the process may have died between its last answer and now, and then that is why.
                raise NotReady("\n".join(f"{name} {reason}" for name, reason in self.not_ready().items()))
            if now > patience:
                patience = now + _PATIENCE_S
                self._report(f"waiting for {', '.join(waiting)}")
            time.sleep(_READY_POLL_S)

    def not_ready(self) -> dict[str, str]:
        """Return the services that are not ready, each with its reason."""
        reasons = {process.name: process.why_not_ready() for process in self}
        return {name: reason for name, reason in reasons.items() if reason is not None}

    def _watch(self) -> None:
        while not self._stopping.wait(_TICK_S):
            for process in self:
                happened = process.tend()
                if happened:
                    self._report(happened)
            self._echo()

    def _echo(self) -> None:
        for echo in self._echoes:
            echo.show_new_lines()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
