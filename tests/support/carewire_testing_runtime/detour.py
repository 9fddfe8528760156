"""A way to Postgres on which the end of a connection is not heard, as it is heard late from a busy machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit


@dataclass(frozen=True)
class Detour:
    """A DSN for the same database, and whether a server has closed a connection, its last words passed on."""

    dsn: str
    closed: asyncio.Event


@asynccontextmanager
async def detour_without_ends(dsn: str) -> AsyncIterator[Detour]:
    """Pass on whatever clients and servers say, but not to the clients that a server has closed."""
    parts = urlsplit(dsn)
    closed = asyncio.Event()
    opened: list[asyncio.StreamWriter] = []
    ways: list[asyncio.Task[None]] = []

    async def lead(from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(parts.hostname, parts.port)
        opened.extend((to_client, to_server))
        ways.append(asyncio.create_task(_pass_on(from_client, to_server, asyncio.Event())))
        ways.append(asyncio.create_task(_pass_on(from_server, to_client, closed)))

    server = await asyncio.start_server(lead, "127.0.0.1", 0)
    place = f"{parts.username}:{parts.password}@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield Detour(urlunsplit(parts._replace(netloc=place)), closed)
    finally:
        server.close()
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for one in opened:
            one.close()
        await asyncio.gather(*(one.wait_closed() for one in opened), return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ended: asyncio.Event) -> None:
    while said := await reader.read(65_536):
        writer.write(said)
    ended.set()
