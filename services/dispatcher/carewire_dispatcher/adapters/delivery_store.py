"""Deliveries and attempts as the attempt log has them in Postgres."""

from datetime import datetime
from typing import Any, Final

from carewire_dispatcher.adapters.delivery_query import IN_ORDER, Place, attempts_query, deliveries_query
from carewire_dispatcher.domain.delivery_filter import AttemptFilter, DeliveryFilter
from carewire_dispatcher.errors import DeliveryNotFound
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.queries import load_queries

ERASE: Final = "delivery.erase_answers"
SUBJECT: Final = "delivery"

_queries = load_queries("carewire_dispatcher")

Row = dict[str, Any]


class DeliveryStore:
    """Looks deliveries up."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(self, wanted: DeliveryFilter, after: Place | None, limit: int) -> list[Row]:
        """Return deliveries, newest event first, those after a place (event time and delivery id)."""
        return await self._page(*deliveries_query(wanted, after, limit))

    async def attempts(self, wanted: AttemptFilter, after: Place | None, limit: int) -> list[Row]:
        """Return attempts, newest first, those after a place (their beginning and id)."""
        return await self._page(*attempts_query(wanted, after, limit))

    async def get(self, delivery_id: str) -> tuple[Row, list[Row]]:
        """Return a delivery and its attempts. Raises DeliveryNotFound."""
        async with self._db.connection() as connection:
            row = await connection.fetchrow(_queries.find_delivery, delivery_id)
            if row is None:
                raise DeliveryNotFound("no delivery has this id, or it was not tried yet")
            attempts = await connection.fetch(_queries.attempts_of_delivery, delivery_id)
        return plain(row), [plain(attempt) for attempt in attempts]

    async def erase_answers(self, delivery_id: str, by: Principal, audit: Audit) -> None:
        """Erase what was answered to the attempts of a delivery. Raises DeliveryNotFound."""
        async with self._db.transaction() as connection:
            if await connection.fetchrow(_queries.find_delivery, delivery_id) is None:
                raise DeliveryNotFound("no delivery has this id, or it was not tried yet")
            await connection.execute(_queries.erase_answers, delivery_id)
            await audit.add(connection, by, [Deed(ERASE, SUBJECT, delivery_id)])

    async def _page(self, query: str, values: list[Any]) -> list[Row]:
        async with self._db.transaction() as connection:
            await connection.execute(IN_ORDER)
            return [plain(row) for row in await connection.fetch(query, *values)]


def plain(row: Any) -> Row:
    """Return a row with its ids as text."""
    fields = dict(row)
    ids = ("id", "endpoint_id", "delivery_id", "care_flow_id", "request_id")
    return fields | {name: str(fields[name]) for name in ids if fields.get(name) is not None}


def place_after(row: Row, moment: str) -> Place:
    """Return the place of a row, by the time of its event or of its beginning."""
    at: datetime = row[moment]
    return at, row["id"]
