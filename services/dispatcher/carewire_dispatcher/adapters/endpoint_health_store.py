"""How an endpoint does, as far as Postgres tells: what is known against it, its last attempts, what is undelivered."""

from datetime import datetime
from typing import Any, Final

from carewire_contracts.record import record
from carewire_dispatcher.domain.failing import Failing, Health
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.queries import load_queries

LOOKED_AT: Final = 10_000
"""Attempts, and deliveries of a kind, that are looked at: by their index that is some ten milliseconds, while a busy
endpoint has millions a day."""

_queries = load_queries("carewire_dispatcher")


@record()
class Lately:
    """The attempts since a moment: how many, how many of them delivered, and how long they took, in milliseconds."""

    since: datetime
    attempts: int
    delivered: int
    p50: int | None
    p95: int | None
    p99: int | None


@record()
class Undelivered:
    """How many deliveries are in a status, and since when the oldest event of them waits."""

    count: int
    oldest_event_at: datetime | None


class EndpointHealthStore:
    """Looks endpoints up. Read only."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def known(self, endpoint_id: str) -> Health:
        """Return what is known against an endpoint."""
        async with self._db.connection() as connection:
            return failing_of(await connection.fetchrow(_queries.find_health, endpoint_id))

    async def lately(self, endpoint_id: str, since: datetime) -> Lately:
        """Sum the attempts since a moment up, or the last LOOKED_AT of them: `since` says from when on."""
        async with self._db.connection() as connection:
            row = await connection.fetchrow(_queries.sum_attempts_up, endpoint_id, since, LOOKED_AT)
        durations = row["durations"] or (None, None, None)
        began = row["first_at"] if row["attempts"] == LOOKED_AT else since
        return Lately(began, row["attempts"], row["delivered"], *durations)

    async def undelivered(self, endpoint_id: str) -> dict[str, Undelivered]:
        """Count what is not delivered by its status, each up to LOOKED_AT."""
        async with self._db.connection() as connection:
            rows = await connection.fetch(_queries.count_undelivered, endpoint_id, LOOKED_AT)
        return {row["status"]: Undelivered(row["count"], row["oldest_event_at"]) for row in rows}


def failing_of(row: Any) -> Health:
    """Read what is known against an endpoint; no row says nothing."""
    if row is None or row["failing_since"] is None:
        return None
    return Failing(
        row["failing_since"], row["last_failure_at"], row["failed_attempts"], row["warnings"], row["warned_at"]
    )
