"""Connections to a service's own schema. Nothing connects before it is needed, so a start needs no Postgres."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import asyncpg
import orjson

from carewire_runtime.clock import Clock, SystemClock
from carewire_runtime.errors import DatabaseError, PostgresUnavailable
from carewire_runtime.postgres.translation import translating
from carewire_runtime.retry import retry_in_place

Connection: TypeAlias = asyncpg.Connection
"""What a block gets lent: asyncpg's connection (behind its pool's proxy)."""

_MOST_CONNECTIONS: Final = 10
_COMMAND_TIMEOUT_S: Final = 30.0
_CONNECT_TIMEOUT_S: Final = 5.0
_PROBE_TIMEOUT_S: Final = 1.0
_STOP_DEADLINE_S: Final = 2.0


class Database:
    """A pool of connections whose search path is one schema. JSON columns take and give Python values."""

    def __init__(
        self,
        dsn: str,
        schema: str,
        *,
        most_connections: int = _MOST_CONNECTIONS,
        command_timeout: float = _COMMAND_TIMEOUT_S,
        clock: Clock | None = None,
    ) -> None:
        self.schema = schema
        self._dsn = dsn
        self._most_connections = most_connections
        self._command_timeout = command_timeout
        self._clock = clock or SystemClock()
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def start(self, *, wait: bool = False) -> None:
        """Make the pool without connecting; with `wait`, return only once Postgres answers."""
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=0,
            max_size=self._most_connections,
            command_timeout=self._command_timeout,
            timeout=_CONNECT_TIMEOUT_S,
            init=_set_codecs,
            reset=_leave_as_it_is,
            server_settings={
                "search_path": self.schema,
                "application_name": f"carewire-{self.schema}",
                "timezone": "UTC",
            },
        )
        if wait:
            await retry_in_place(self._probe, self._clock, what="wait_for_postgres")

    async def stop(self) -> None:
        """Close all connections; those that are still lent after two seconds are cut."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(_STOP_DEADLINE_S):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    async def available(self) -> bool:
        """Say whether Postgres answers within a second."""
        try:
            await self._probe()
        except DatabaseError:
            return False
        return True

    async def _probe(self) -> None:
        async with self.connection() as connection:
            await connection.fetchval("select 1", timeout=_PROBE_TIMEOUT_S)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection, for statements that leave nothing behind in its session.

        Raises PostgresUnavailable, UniqueViolation or StatementFailed.
        """
        if self._pool is None:
            raise PostgresUnavailable
        with translating():
            async with self._pool.acquire(timeout=_CONNECT_TIMEOUT_S) as connection:
                yield connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """Lend a connection whose settings and locks may outlast a transaction: they end with this block."""
        async with self.connection() as connection:
            try:
                yield connection
                await connection.reset()
            except BaseException:
                # Whatever it was, the next one to borrow it must not inherit it.
                connection.terminate()
                raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction, committed at the end and rolled back at any exception.

        After PostgresUnavailable from the end of the block it is unknown whether the commit took place.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection


async def _leave_as_it_is(connection: Any) -> None:
    """Spare each return of a connection a round trip: only sessions leave anything behind, and clean up themselves.

    An open transaction was rolled back by the driver before this is called.
    """


async def _set_codecs(connection: Any) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, encoder=_encode_json, decoder=orjson.loads, schema="pg_catalog", format="text"
        )


def _encode_json(value: object) -> str:
    return orjson.dumps(value).decode()
