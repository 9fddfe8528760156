"""A response leaves in one packet.

uvicorn writes a response's head and body one after the other, and uvloop sends each at once: two system calls, and
two packets that wake the client twice. Here what is written in one turn of the event loop is sent together.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_AT_ONCE: Final = 64 * 1024
"""Bytes that are not held back, so that a long response meets the transport's flow control."""


class GatheringProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, upon a transport that gathers what it is to write."""

    def connection_made(self, transport: Any) -> None:
        """Begin to serve a connection."""
        super().connection_made(_GatheringTransport(transport, self.loop))  # type: ignore[arg-type]


class _GatheringTransport:
    """Writes at the end of a turn; in everything else it is the transport that it was given."""

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes] = []
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if not self._gathered:
            self._loop.call_soon(self._flush)
        self._gathered.append(data)
        if len(data) >= _AT_ONCE:
            self._flush()

    def write_at_once(self, data: bytes) -> None:
        """Write what is complete, behind what was gathered."""
        if self._gathered:
            self._flush()
        self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._transport.write(b"".join(gathered))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
