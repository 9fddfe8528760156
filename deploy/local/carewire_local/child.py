"""One child process of the stack: started with a log file, dying with its owner, stopped in order."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from carewire_local.processes import descendants, kill_and_wait
from carewire_local.spawner import Command, spawn
from carewire_local.state import StateFolder


class Child:
    """A child that can be started again after it ended. Not for use by several threads at once."""

    def __init__(self, name: str, state: StateFolder) -> None:
        self.name = name
        self.log: Path = state.logs / f"{name}.log"
        self._state = state
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The pid of the running child; None when it does not run."""
        return self._process.pid if self._process is not None and self.alive else None

    @property
    def alive(self) -> bool:
        """Whether the child runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code of the last run (negative: the signal that ended it); None while it runs."""
        return self._process.poll() if self._process is not None else None

    def start(self, command: Command) -> None:
        """Start the command, appending its output to the log file."""
        with self.log.open("ab") as output:
            self._process = spawn(command, output)
        self._state.record_child(self.name, self._process.pid)

    def stop(self, polite: signal.Signals, deadline_s: float) -> bool:
        """Ask the child to end, and kill it with its children after the deadline; tell whether it ended itself."""
        process = self._process
        if process is None:
            return True
        self.send(polite)
        try:
            process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        self._state.forget_child(self.name)
        return True

    def send(self, signal_: signal.Signals) -> None:
        """Send the running child a signal; nothing happens when it does not run."""
        if self._process is not None:
            self._process.send_signal(signal_)

    def kill(self) -> None:
        """Kill the child and everything it started by SIGKILL, and wait until all are gone."""
        process = self._process
        if process is None:
            return
        family = descendants(process.pid)
        process.kill()
        process.wait()
        kill_and_wait(family)
        self._state.forget_child(self.name)

    def wait(self, deadline_s: float) -> int | None:
        """Wait for the end of the child; return its exit code, or None when it still runs at the deadline."""
        end = time.monotonic() + deadline_s
        while self.alive and time.monotonic() < end:
            time.sleep(0.01)
        return self.exit_code

    def last_words(self, lines: int = 15) -> str:
        """Return the end of the log file, for a message that says why a start failed."""
        try:
            text = self.log.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


ChildMaker: TypeAlias = Callable[[str, StateFolder], Child]
"""Makes the child of a name, whose log lies in a state folder."""


class ChildKeeper:
    """Keeps one child, and lets others see of it what they may."""

    def __init__(self, child: Child) -> None:
        self._child = child

    @property
    def log(self) -> Path:
        """The file with everything that the child has printed."""
        return self._child.log

    @property
    def pid(self) -> int | None:
        """The pid of the running child; None when it does not run."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether the child runs."""
        return self._child.alive
