"""Many receivers behind one port: what each does is said by its path. Cheap enough for thousands of calls a second."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, cast

import httptools


@dataclass(frozen=True, slots=True)
class Taken:
    """One call. `at` is by the event loop's clock."""

    path: str
    webhook_id: str
    body: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and after how many seconds; None never comes."""

    status: int = 200
    after_s: float | None = 0.0


AT_ONCE: Final = Answer()
NEVER: Final = Answer(after_s=None)

Script = Callable[[Taken], Answer]


class Crowd:
    """Where it listens."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def url(self, path: str) -> str:
        """The URL of one receiver."""
        return self._base_url + path


@asynccontextmanager
async def crowd(script: Script) -> AsyncIterator[Crowd]:
    """Serve on a free port of loopback; `script` takes each call and says what it is answered."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(script), "127.0.0.1", 0, backlog=1024)
    try:
        yield Crowd(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    finally:
        server.close()


class _Connection(asyncio.Protocol):
    def __init__(self, script: Script) -> None:
        self._script = script
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._path = ""
        self._webhook_id = ""
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path = url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        if name == b"webhook-id":
            self._webhook_id = value.decode()

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        body, self._body = b"".join(self._body), []
        answer = self._script(Taken(self._path, self._webhook_id, body, self._loop.time()))
        if answer.after_s == 0:
            self._write(answer.status)
        elif answer.after_s is not None:
            self._loop.call_later(answer.after_s, self._write, answer.status)

    def _write(self, status: int) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 %d x\r\ncontent-length: 0\r\n\r\n" % status)
