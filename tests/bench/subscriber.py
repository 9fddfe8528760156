"""A subscriber that answers at once and notes when each delivery came: the least that a receiver can do."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httptools

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"

Note = Callable[[bytes, float], None]


class _Connection(asyncio.Protocol):
    def __init__(self, note: Note) -> None:
        self._note = note
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        body, self._body = b"".join(self._body), []
        self._note(body, time.perf_counter())
        if self._transport is not None:
            self._transport.write(_ANSWER)


class Subscriber:
    """Listens on a free port of this machine; `note` is called with each body and when it came."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where deliveries go."""
        if self._server is None:
            raise RuntimeError("the subscriber does not listen yet")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/deliveries"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self._note), "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
