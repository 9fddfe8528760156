"""A line between a service and a server that can be cut, and made slow: a TCP proxy of one event loop."""

import asyncio
from collections import deque
from typing import Final

_BACKLOG: Final = 256


class Line:
    """A proxy from a port of loopback to another one. It forwards bytes as they are, each way in their order."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.WriteTransport] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self.delay_s = 0.0
        self.is_cut = False

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        """How many ends of connections there are."""
        return len(self._ends)

    async def open(self, port: int) -> None:
        """Listen, until `close`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _End(self), "127.0.0.1", port, backlog=_BACKLOG)

    async def close(self) -> None:
        """End all connections, and listen no more."""
        if self._server is not None:
            self._server.close()
            self.cut()

    def cut(self) -> None:
        """End all connections, and refuse new ones until `heal`."""
        self.is_cut = True
        for end in list(self._ends):
            end.abort()

    def heal(self) -> None:
        """Let everything pass again, at once."""
        self.is_cut = False
        self.delay_s = 0.0

    def joined(self, transport: asyncio.WriteTransport) -> None:
        """Remember an end of a connection."""
        self._ends.add(transport)

    def left(self, transport: asyncio.WriteTransport) -> None:
        """Forget it."""
        self._ends.discard(transport)

    def connect(self, client: "_End") -> None:
        """Connect a client's end to the server."""
        connecting = asyncio.get_running_loop().create_task(self._connect(client))
        self._connecting.add(connecting)
        connecting.add_done_callback(self._connecting.discard)

    async def _connect(self, client: "_End") -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: _End(self, client), "127.0.0.1", self._to_port)
        except OSError:
            client.abort()


class _End(asyncio.Protocol):
    """One end of a connection; what it gets, the other end sends."""

    def __init__(self, line: Line, other: "_End | None" = None) -> None:
        self._line = line
        self._other = other
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self._late: deque[bytes] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is none by its class
        assert self._transport is not None
        self._line.joined(self._transport)
        if self._line.is_cut:
            self._transport.abort()
        elif self._other is None:
            self._line.connect(self)
        else:
            self._other.meet(self)

    def meet(self, other: "_End") -> None:
        """Learn who the other end is, and have it send what came until now."""
        self._other = other
        early, self._early = self._early, []
        for data in early:
            other.send(data)

    def data_received(self, data: bytes) -> None:
        if self._other is None:
            self._early.append(data)
        elif self._line.delay_s or self._late:
            self._late.append(data)
            asyncio.get_running_loop().call_later(self._line.delay_s, self._send_late)
        else:
            self._other.send(data)

    def _send_late(self) -> None:
        # Timers of equal delay may come in any order; what they send does not.
        if self._other is not None and self._late:
            self._other.send(self._late.popleft())

    def send(self, data: bytes) -> None:
        """Send what the other end got."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self._transport is not None:
            self._line.left(self._transport)
        if self._other is not None:
            self._other.abort()

    def abort(self) -> None:
        """End this end too."""
        if self._transport is not None:
            self._transport.abort()
