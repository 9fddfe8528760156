"""A server on raw sockets, which behaves as badly as it is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawServer:
    """Where it listens, and what it has seen: connections, the heads of requests, and who went away."""

    host: str = "127.0.0.1"
    port: int = 0
    secure: bool = False
    connections: int = 0
    closed: int = 0
    written: int = 0
    heads: list[str] = field(default_factory=list)

    def url(self, host: str | None = None) -> str:
        """Its URL, by another name if one is given."""
        return f"{'https' if self.secure else 'http'}://{host or self.host}:{self.port}/"


@asynccontextmanager
async def raw_server(
    behave: Behaviour, tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1", greet: bool = True
) -> AsyncIterator[RawServer]:
    """Serve: `behave` is called once a connection's first head has arrived, or with `greet` false at once."""
    seen = RawServer(host, secure=tls is not None)
    working: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        try:
            if greet:
                seen.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            await behave(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            seen.closed += 1
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        working.add(task)
        task.add_done_callback(working.discard)

    server = await asyncio.start_server(accept, host, 0, ssl=tls)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        server.close()
        for task in list(working):
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
