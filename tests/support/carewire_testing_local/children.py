"""Child processes that exist in memory only, and end when a test says so."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from carewire_local.spawner import Command
from carewire_local.state import StateFolder


class FakeChild:
    """Has the face of `carewire_local.child.Child`. `events` of all children of a test are in one list."""

    def __init__(self, name: str, state: StateFolder, events: list[str]) -> None:
        self.name = name
        self.log: Path = state.logs / f"{name}.log"
        self.commands: list[Command] = []
        self.signals: list[signal.Signals] = []
        self.exit_code: int | None = None
        self.stops_in_time = True
        self.words = f"the last words of {name}"
        self._events = events
        self._running = False

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._running

    @property
    def pid(self) -> int | None:
        """Another number for each start."""
        return 40_000 + len(self.commands) if self._running else None

    def start(self, command: Command) -> None:
        """Begin to run."""
        self._events.append(f"start {self.name}")
        self.commands.append(command)
        self._running, self.exit_code = True, None

    def end(self, code: int) -> None:
        """Die by itself."""
        self._running, self.exit_code = False, code

    def stop(self, polite: signal.Signals, deadline_s: float) -> bool:
        """End at once, or at the deadline by force."""
        self._events.append(f"stop {self.name} by {polite.name} within {deadline_s:g} s")
        if self._running:
            self.end(0 if self.stops_in_time else -signal.SIGKILL)
        return self.stops_in_time

    def kill(self) -> None:
        """End by force."""
        self._events.append(f"kill {self.name}")
        self.end(-signal.SIGKILL)

    def send(self, signal_: signal.Signals) -> None:
        """Note the signal."""
        self.signals.append(signal_)

    def wait(self, deadline_s: float) -> int | None:
        """Do not wait: what is not over by now is never over."""
        self._events.append(f"wait {deadline_s:g} s for {self.name}")
        return self.exit_code

    def last_words(self) -> str:
        """What the log would say."""
        return self.words


class Children:
    """All children that a module under test has made, by their names."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self._made: dict[str, FakeChild] = {}

    def __getitem__(self, name: str) -> FakeChild:
        return self._made[name]

    def make(self, name: str, state: StateFolder) -> Any:
        """Make one; takes the place of the class."""
        self._made[name] = FakeChild(name, state, self.events)
        return self._made[name]


@contextmanager
def children(module: ModuleType) -> Iterator[Children]:
    """Let a module make its children in memory."""
    made = Children()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Child", made.make)
        yield made
