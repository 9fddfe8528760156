"""Processes that are born of one that has imported everything: that takes more CPU than all that they do in a minute.

Each is a process of its own all the same, which may be killed, frozen and waited for. `Nursery` is this side of it; the
other one is a process of one thread, which forks, and tells who was born and who has ended.
"""

import contextlib
import ctypes
import importlib
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast

import orjson

from carewire_local.child import Child
from carewire_local.spawner import Command
from carewire_local.state import StateFolder

_IMPORTED: Final = ("carewire_ingress.app", "carewire_orchestrator.app", "carewire_dispatcher.app", "uvloop")
_BORN_WITHIN_S: Final = 120.0
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_LOST: Final = -signal.SIGKILL


class Born:
    """A process, as `subprocess.Popen` shows one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = threading.Event()

    def end(self, code: int) -> None:
        """Learn that it has ended."""
        self.returncode = code
        self._ended.set()

    def poll(self) -> int | None:
        """Say how it ended; None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        if not self._ended.wait(timeout) or self.returncode is None:
            raise subprocess.TimeoutExpired("a process of the nursery", timeout or 0.0)
        return self.returncode

    def send_signal(self, sent: int) -> None:
        """Send it a signal, if it runs."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sent)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """Gives birth to processes from any thread, until it is left; then all of them are killed.

    `runner` is the module whose `run` is given the arguments of each, in its process.
    """

    def __init__(self, runner: str = "carewire_testing.service_command") -> None:
        self._runner = runner
        self._running: dict[int, Born] = {}
        self._asking = threading.Lock()
        self._answered = threading.Event()
        self._last: Born | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", __name__, self._runner]
        paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="nursery", daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def bear(self, arguments: Sequence[str], env: Mapping[str, str], folder: Path, log: Path) -> Born:
        """Run these arguments in a process of its own; its output goes to the end of the log."""
        asked = {"arguments": list(arguments), "env": dict(env), "folder": str(folder), "log": str(log)}
        assert self._process.stdin is not None
        with self._asking:
            self._answered.clear()
            self._process.stdin.write(orjson.dumps(asked) + b"\n")
            self._process.stdin.flush()
            if not self._answered.wait(_BORN_WITHIN_S) or self._last is None:
                raise OSError("the nursery gave birth to no process")
            born, self._last = self._last, None
            return born

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = orjson.loads(line)
            if "born" in said:
                self._last = self._running[said["born"]] = Born(said["born"])
                self._answered.set()
            else:
                self._running.pop(said["ended"]).end(said["code"])
        for born in self._running.values():
            born.end(_LOST)
        self._answered.set()


class NurseryChild(Child):
    """A child of the stack that is born in the nursery."""

    def __init__(self, nursery: Nursery, name: str, state: StateFolder) -> None:
        super().__init__(name, state)
        self._nursery = nursery

    def start(self, command: Command) -> None:
        """Have it born; the command's arguments are what the nursery's runner takes."""
        born = self._nursery.bear(command.argv, command.env, command.folder, self.log)
        self._process = cast("subprocess.Popen[bytes]", born)
        self._state.record_child(self.name, born.pid)


class _Mother:
    """The other side: forks on demand, until nobody is left to ask."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._poll.register(0, select.POLLIN)
        self._children: dict[int, int] = {}
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._asked = b""

    def serve(self) -> Sequence[str] | None:
        """Return the arguments in a process that was born, None in this one at its end."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor != 0:
                    self._bury(descriptor)
                    continue
                read = os.read(0, 1 << 20)
                if not read:
                    return None
                *lines, self._asked = (self._asked + read).split(b"\n")
                for line in lines:
                    arguments = self._fork(orjson.loads(line))
                    if arguments is not None:
                        return arguments

    def _fork(self, asked: dict[str, Any]) -> Sequence[str] | None:
        mother = os.getpid()
        child = os.fork()
        if child:
            descriptor = os.pidfd_open(child)
            self._children[descriptor] = child
            self._poll.register(descriptor, select.POLLIN)
            _say({"born": child})
            return None
        for descriptor in self._children:
            os.close(descriptor)
        self._settle(asked, mother)
        arguments: Sequence[str] = asked["arguments"]
        return arguments

    def _settle(self, asked: dict[str, Any], mother: int) -> None:
        """Be a process as one that was started by itself: own session, files, folder and environment."""
        self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != mother:
            os._exit(1)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(asked["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        for opened, place in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(opened, place)
        os.close(nothing)
        os.close(log)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["env"])

    def _bury(self, descriptor: int) -> None:
        child = self._children.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(child, 0)
        _say({"ended": child, "code": os.waitstatus_to_exitcode(status)})


def _say(said: dict[str, int]) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(1, orjson.dumps(said) + b"\n")


def _main(runner: str) -> None:
    run = importlib.import_module(runner).run
    for name in _IMPORTED:
        importlib.import_module(name)
    arguments = _Mother().serve()
    if arguments is not None:
        run(arguments)


if __name__ == "__main__":
    _main(sys.argv[1])
