"""Deliveries and attempts as the attempt log has them in Postgres. Read only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from carewire_dispatcher.errors import DeliveryNotFound
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.queries import load_queries

_queries = load_queries("carewire_dispatcher")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """What to list; None lets everything pass."""

    endpoint_id: str | None = None
    event_type: str | None = None
    status: str | None = None
    event_id: str | None = None


class DeliveryStore:
    """Looks deliveries up."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(self, wanted: DeliveryFilter, after: tuple[datetime, str] | None, limit: int) -> list[Row]:
        """Return deliveries, newest event first, those after a place (event time and delivery id)."""
        event_at, delivery_id = after or (None, None)
        async with self._db.connection() as connection:
            rows = await connection.fetch(
                _queries.list_deliveries,
                wanted.endpoint_id,
                wanted.event_type,
                wanted.status,
                wanted.event_id,
                event_at,
                delivery_id,
                limit,
            )
        return [_plain(row) for row in rows]

    async def get(self, delivery_id: str) -> tuple[Row, list[Row]]:
        """Return a delivery and its attempts. Raises DeliveryNotFound."""
        async with self._db.connection() as connection:
            row = await connection.fetchrow(_queries.find_delivery, delivery_id)
            if row is None:
                raise DeliveryNotFound("no delivery has this id, or it was not tried yet")
            attempts = await connection.fetch(_queries.attempts_of_delivery, delivery_id)
        return _plain(row), [_plain(attempt) for attempt in attempts]


def _plain(row: Any) -> Row:
    fields = dict(row)
    return fields | {name: str(fields[name]) for name in ("id", "endpoint_id", "delivery_id") if name in fields}
