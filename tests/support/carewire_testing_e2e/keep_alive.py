"""A caller over one kept connection that opens a new one when it breaks: cheap, so that the called is what is busy."""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

PATIENCE_S: Final = 30.0
"""Longer than any answer takes; whoever waits for longer has been forgotten."""


class Unanswered(Exception):
    """The connection broke before the answer was there: the call may have been taken or not."""


@dataclass(frozen=True, slots=True)
class Told:
    """An HTTP answer."""

    status: int
    body: bytes


class KeepAlive:
    """Calls one server; use it as an async context manager."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, request: bytes) -> Told:
        """Send head and body as they are. Raises Unanswered; the next call opens a new connection then."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._exchange(request)
        except (OSError, EOFError, TimeoutError):
            self._close()
            raise Unanswered from None

    async def _exchange(self, request: bytes) -> Told:
        if self._stream is None:
            self._stream = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._stream
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(_content_length(head))
        if b"\r\nconnection: close\r\n" in head:
            self._close()
        return Told(int(head[9:12]), body)

    def _close(self) -> None:
        if self._stream is not None:
            self._stream[1].close()
            self._stream = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


def post_of(url: str, body: bytes, **headers: str) -> bytes:
    """A POST of JSON as bytes; underscores in names of headers stand for hyphens."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"POST {urlsplit(url).path} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n{lines}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def _content_length(head: bytes) -> int:
    _, _, rest = head.partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0] or 0)
