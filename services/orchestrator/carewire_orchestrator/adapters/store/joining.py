"""A call's own transaction: whatever stores do within it is committed with it or not at all."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Final

from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.translation import translating

_joined: Final[ContextVar[Connection | None]] = ContextVar("joined", default=None)


class JoinedDatabase(Database):
    """A database whose blocks run within the transaction that was joined, where one was, as savepoints of it.

    Without one it is like any other. A session is never joined: it is for what outlasts transactions.
    """

    @contextmanager
    def joining(self, connection: Connection) -> Iterator[None]:
        """Have everything in this block, and what it awaits, use this connection's transaction, one at a time."""
        token = _joined.set(connection)
        try:
            yield
        finally:
            _joined.reset(token)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend the joined connection, else one of the pool."""
        joined = _joined.get()
        if joined is None:
            async with super().connection() as connection:
                yield connection
        else:
            async with self._savepoint(joined) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend the joined connection in a savepoint, else one of the pool in a transaction."""
        joined = _joined.get()
        if joined is None:
            async with super().transaction() as connection:
                yield connection
        else:
            async with self._savepoint(joined) as connection:
                yield connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """Lend a connection of the pool."""
        token = _joined.set(None)
        try:
            async with super().session() as connection:
                yield connection
        finally:
            _joined.reset(token)

    @asynccontextmanager
    async def _savepoint(self, joined: Connection) -> AsyncIterator[Connection]:
        with translating():
            async with joined.transaction():
                yield joined
