"""Starts child processes from one thread that lives as long as this process.

The kernel sends a child its death signal when the *thread* that forked it ends, not only when the process does
(prctl(2), PR_SET_PDEATHSIG). A server started from a short-lived worker thread would die with that thread.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import IO

_WRAPPER = Path(__file__).with_name("parent_death.py")


@dataclass(frozen=True)
class User:
    """A system user to run a child as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """What to run: the arguments, the whole environment, the folder, the user, and the signal at owner's death."""

    argv: Sequence[str]
    env: Mapping[str, str]
    folder: Path
    user: User | None = None
    death_signal: signal.Signals = signal.SIGKILL


_Request = tuple[Command, int | IO[bytes], "Future[subprocess.Popen[bytes]]"]
_requests: SimpleQueue[_Request] = SimpleQueue()
_started = threading.Lock()


def spawn(command: Command, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the command in a session of its own, with stdout and stderr going to `output`.

    It gets no terminal signals (an ordered stop is the owner's business) and dies with this process.
    Raises OSError when it cannot be started.
    """
    if _started.acquire(blocking=False):
        threading.Thread(target=_serve, name="spawner", daemon=True).start()
    future: Future[subprocess.Popen[bytes]] = Future()
    _requests.put((command, output, future))
    return future.result()


def _serve() -> None:
    while True:
        command, output, future = _requests.get()
        try:
            future.set_result(_popen(command, output))
        except OSError as error:
            future.set_exception(error)


def _popen(command: Command, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    user = f"{command.user.uid}:{command.user.gid}" if command.user else "-"
    wrapper = [sys.executable, "-I", "-S", str(_WRAPPER)]
    terms = [str(int(command.death_signal)), str(os.getpid()), user]
    return subprocess.Popen(
        [*wrapper, *terms, *command.argv],
        env=dict(command.env),
        cwd=command.folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
