"""Fresh databases on the Postgres of the test run."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg


@contextmanager
def fresh_database(server_dsn: str) -> Iterator[str]:
    """Create an empty database, yield its DSN, and drop it with all its connections afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    asyncio.run(_execute(server_dsn, f'CREATE DATABASE "{name}"'))
    try:
        yield urlunsplit(urlsplit(server_dsn)._replace(path=f"/{name}"))
    finally:
        asyncio.run(_execute(server_dsn, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
