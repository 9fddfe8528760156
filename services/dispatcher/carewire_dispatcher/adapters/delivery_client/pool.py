"""Idle connections, kept for the next call to the same origin."""

import asyncio
from typing import Final

from carewire_dispatcher.adapters.delivery_client.connection import Connection

KEEP_ALIVE_S: Final = 4.0
"""Below the 5 s after which Node's server closes an idle connection, so that we don't write into its closing."""
LIFETIME_S: Final = 300.0
"""After this a connection is not kept again: its name may mean another address by now."""
IDLE_MAX: Final = 2000
"""Idle connections in all: as many as there may be attempts under way, which is what open files are reckoned for."""


class Pool:
    """Keeps idle connections, each for a while. The one that was used last is used next, so that others can go."""

    def __init__(self, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._keep_alive_s = keep_alive_s
        self._loop = asyncio.get_running_loop()
        # Of each its origin, and until when it is kept: in the order in which they became idle, and expire.
        self._idle: dict[Connection, tuple[str, float]] = {}
        self._by_origin: dict[str, list[Connection]] = {}
        self._alarm: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._idle)

    def take(self, origin: str) -> Connection | None:
        """Take a connection out that can still be written to, None where there is none."""
        kept = self._by_origin.get(origin)
        while kept:
            connection = kept.pop()
            connection.when_lost = None
            del self._idle[connection]
            if connection.is_silent:
                return connection
            connection.abort()
        return None

    def put(self, origin: str, connection: Connection) -> None:
        """Keep a connection that is ready for another call."""
        now = self._loop.time()
        if now - connection.opened_at > LIFETIME_S:
            connection.close()
            return
        if len(self._idle) >= IDLE_MAX:
            self._close_oldest()
        self._idle[connection] = (origin, now + self._keep_alive_s)
        self._by_origin.setdefault(origin, []).append(connection)
        connection.when_lost = self._forget
        if self._alarm is None:
            self._alarm = self._loop.call_later(self._keep_alive_s, self._expire)

    def abort_all(self) -> None:
        """Close all connections at once."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        for connection in list(self._idle):
            self._forget(connection)
            connection.abort()

    def _expire(self) -> None:
        self._alarm = None
        now = self._loop.time()
        while self._idle:
            _, until = next(iter(self._idle.values()))
            if until > now:
                self._alarm = self._loop.call_at(until, self._expire)
                return
            self._close_oldest()

    def _close_oldest(self) -> None:
        connection = next(iter(self._idle))
        self._forget(connection)
        connection.close()

    def _forget(self, connection: Connection) -> None:
        connection.when_lost = None
        origin, _ = self._idle.pop(connection)
        kept = self._by_origin[origin]
        kept.remove(connection)
        if not kept:
            del self._by_origin[origin]
