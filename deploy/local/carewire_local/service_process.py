"""One supervised service: its process, whether it is wanted, and when it may be started again."""

import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from carewire_local.backoff import BackOff
from carewire_local.child import Child, ChildKeeper, ChildMaker
from carewire_local.readiness import why_not_ready
from carewire_local.spawner import Command
from carewire_local.state import StateFolder

STOP_DEADLINE_S = 25.0  # a service gives its own components 20 s


@dataclass(frozen=True)
class Service:
    """What to run: a name (of its log file too), the command, the whole environment, and its base URL if it has one."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    url: str | None = None
    stop_deadline_s: float = STOP_DEADLINE_S


class ServiceProcess(ChildKeeper):
    """The process of one service. Safe to use from several threads: tests kill it while the supervisor watches."""

    def __init__(self, service: Service, state: StateFolder, backoff: BackOff, child: ChildMaker = Child) -> None:
        super().__init__(child(service.name, state))
        self.name = service.name
        self.restarts = 0
        self._service = service
        self._folder: Path = state.path
        self._backoff = backoff
        self._lock = threading.RLock()
        self._wanted = False
        self._deaths = 0
        self._started_at = 0.0
        self._restart_at: float | None = None

    @property
    def exit_code(self) -> int | None:
        """How the last run ended (negative: by that signal); None while it runs or before the first run."""
        return self._child.exit_code

    def start(self) -> None:
        """Start the service, and keep it running from now on. Harmless while it runs."""
        with self._lock:
            self._wanted = True
            if not self._child.alive:
                self._launch()

    def stop(self) -> bool:
        """Stop it in order, kill it after its deadline; it stays stopped. Return whether it ended by itself."""
        with self._lock:
            self._wanted = False
            self._restart_at = None
            return self._child.stop(signal.SIGTERM, self._service.stop_deadline_s)

    def kill(self) -> None:
        """Kill it by SIGKILL. A service that is wanted comes back by the policy of restarts."""
        with self._lock:
            self._child.kill()

    def pause(self) -> None:
        """Freeze the process (SIGSTOP) until `resume`; used to see what others make of a silent one."""
        self._child.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        self._child.send(signal.SIGCONT)

    def why_not_ready(self) -> str | None:
        """Return None when the service is ready; else the reason, for people."""
        if not self.alive:
            return f"ended with exit code {self.exit_code}; the end of {self.log}:\n{self._child.last_words()}"
        return why_not_ready(self._service.url) if self._service.url else None

    def tend(self) -> str | None:
        """Restart the service if it is dead, wanted and due; return what happened, for people, or None."""
        with self._lock:
            if not self._wanted or self._child.alive:
                return None
            now = time.monotonic()
            if self._restart_at is None:
                return self._note_death(now)
            if now < self._restart_at:
                return None
            self.restarts += 1
            self._launch()
            return f"{self.name} was started again (pid {self.pid})"

    def _note_death(self, now: float) -> str:
        self._deaths = self._backoff.deaths_in_a_row(self._deaths, now - self._started_at)
        pause = self._backoff.pause_s(self._deaths)
        self._restart_at = now + pause
        return f"{self.name} ended with exit code {self.exit_code}; starting it again in {pause:.1f} s ({self.log})"

    def _launch(self) -> None:
        self._restart_at = None
        self._started_at = time.monotonic()
        self._child.start(Command(self._service.argv, self._service.env, self._folder))
