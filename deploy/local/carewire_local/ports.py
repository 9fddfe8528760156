"""Chooses TCP ports on the loopback interface: the usual one, the one of the last run, or a free one."""

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO

from carewire_local.errors import ServerFailed
from carewire_local.state import StateFolder

# Below the range from which systems take ports for outgoing connections (32768 on Linux, 49152 elsewhere): there,
# a client that keeps trying a stopped server may be given that very port and end up connected to itself.
_FREE_RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Ports:
    """The ports of one stack: remembered between runs, and reserved against other stacks of this machine."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self._reserved: dict[int, IO[str]] = {}

    def choose(self, name: str, usual: int | None = None) -> int:
        """Return a port for the server of that name and reserve it until `release`.

        Tried in this order: the port of the last run, the usual one, any free one.
        """
        key = f"port_{name}"
        port = self._first_reservable(chain(_only(self._state.remembered(key)), _only(usual), _anywhere()))
        self._state.remember(key, port)
        return port

    def _first_reservable(self, candidates: Iterable[int]) -> int:
        for port in candidates:
            if self._reserve(port):
                return port
        raise ServerFailed(f"no free port between {_FREE_RANGE.start} and {_FREE_RANGE.stop}")

    def _reserve(self, port: int) -> bool:
        """Reserve by a lock on a file: another stack may have chosen a port that it does not listen on yet."""
        if port in self._reserved:
            return False
        lock = _open_shared(Path(tempfile.gettempdir()) / f"carewire-port-{os.getuid()}-{port}")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        if not is_free(port):
            lock.close()
            return False
        self._reserved[port] = lock
        return True

    def release(self) -> None:
        """Give all reserved ports back."""
        for lock in self._reserved.values():
            lock.close()
        self._reserved.clear()


def _open_shared(path: Path) -> IO[str]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+")


def _only(port: int | None) -> Iterator[int]:
    if port is not None:
        yield port


def _anywhere() -> Iterator[int]:
    yield from random.sample(_FREE_RANGE, 200)
