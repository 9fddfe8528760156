"""asyncpg's errors in our words. Its texts are dropped: they hold the values of rows and parameters."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from carewire_runtime.errors import DatabaseError, PostgresUnavailable, StatementFailed, UniqueViolation

_RETRIABLE_CLASSES: Final = frozenset({"08", "40", "53", "55", "57", "58"})
"""Connection, transaction rollback (deadlock, serialization), resources, object not in the right state
(a lock), operator intervention (shutdown, starting up), system error."""
_GONE: Final = ("closed", "closing", "released", "terminated")
"""Words of the driver about a connection or pool that went away under our hands. Its other interface errors
are mistakes in our own code, which no retry mends."""
_FAREWELL: Final = "cannot switch to state"
"""What the driver says of a connection on which the server has said goodbye while nobody asked it anything, until the
end of the stream is heard too. Whoever uses a connection twice at once hears something else."""
_UNIQUE_VIOLATION: Final = "23505"
_INTERNAL: Final = "XX000"


def translated(error: BaseException) -> DatabaseError:
    """Return our error for one of the driver's."""
    if isinstance(error, asyncpg.PostgresError):
        return _of_server(error)
    if isinstance(error, OSError):
        return PostgresUnavailable()
    if isinstance(error, asyncpg.InterfaceError):
        gone = any(word in str(error) for word in _GONE)
        return PostgresUnavailable() if gone else StatementFailed(_INTERNAL)
    if isinstance(error, asyncpg.InternalClientError) and str(error).startswith(_FAREWELL):
        return PostgresUnavailable()
    return StatementFailed(_INTERNAL)


def _of_server(error: asyncpg.PostgresError) -> DatabaseError:
    sqlstate: str = getattr(error, "sqlstate", None) or _INTERNAL
    constraint: str | None = getattr(error, "constraint_name", None)
    if sqlstate[:2] in _RETRIABLE_CLASSES:
        return PostgresUnavailable(sqlstate)
    if sqlstate == _UNIQUE_VIOLATION and constraint:
        return UniqueViolation(constraint)
    return StatementFailed(sqlstate, constraint)


@contextmanager
def translating() -> Iterator[None]:
    """Translate what the driver raises inside, timeouts of its own included."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        raise translated(error) from None
