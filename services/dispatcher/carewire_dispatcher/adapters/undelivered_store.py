"""What is not delivered: still tried, failed, or held. The indexes that serve it hold nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from carewire_runtime.postgres.conditions import Conditions
from carewire_runtime.postgres.pool import Database

_UNDELIVERED: Final = "status <> 'delivered'"
_COUNTS: Final = (
    "count(*) filter (where status = 'retrying') as retrying, count(*) filter (where status = 'failed') as failed, "
    "count(*) filter (where status = 'held') as held, min(event_at) as oldest_event_at"
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class UndeliveredFilter:
    """Which of it is wanted; None wants all. Times are those of events, the second one exclusive."""

    endpoint_id: str | None = None
    event_type: str | None = None
    care_flow_id: str | None = None
    statuses: Sequence[str] | None = None
    event_from: datetime | None = None
    event_to: datetime | None = None

    def conditions(self) -> Conditions:
        """Return it as conditions of a query."""
        conditions = Conditions()
        conditions.add("endpoint_id = {}::uuid", self.endpoint_id)
        conditions.add("event_type = {}", self.event_type)
        conditions.add("care_flow_id = {}::uuid", self.care_flow_id)
        conditions.add("status = any({}::text[])", self.statuses)
        conditions.add("event_at >= {}", self.event_from)
        conditions.add("event_at < {}", self.event_to)
        return conditions


class UndeliveredStore:
    """Looks it up."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def counts(self, wanted: UndeliveredFilter) -> Row:
        """Count it by status, with the time of the oldest event."""
        conditions = wanted.conditions()
        query = f"select {_COUNTS} from delivery {conditions.where(_UNDELIVERED)}"  # noqa: S608 (ours)
        async with self._db.connection() as connection:
            return dict(await connection.fetchrow(query, *conditions.values))

    async def page(self, wanted: UndeliveredFilter, after: tuple[datetime, str] | None, limit: int) -> list[Row]:
        """Return deliveries, oldest event first, those after a place."""
        conditions = wanted.conditions()
        texts = [_UNDELIVERED]
        if after is not None:
            place = ", ".join(conditions.parameter(part) for part in after)
            texts.append(f"(event_at, id) > ({place})")
        where, most = conditions.where(*texts), conditions.parameter(limit)
        query = f"select * from delivery {where} order by event_at, id limit {most}"  # noqa: S608 (ours)
        async with self._db.connection() as connection:
            return [_plain(row) for row in await connection.fetch(query, *conditions.values)]

    async def by_endpoint(self, wanted: UndeliveredFilter, after: str | None, limit: int) -> list[Row]:
        """Count it for each endpoint that has any, in the order of their ids, those after one."""
        conditions = wanted.conditions()
        conditions.add("endpoint_id > {}::uuid", after)
        where, most = conditions.where(_UNDELIVERED), conditions.parameter(limit)
        order = f"group by endpoint_id order by endpoint_id limit {most}"
        query = f"select endpoint_id, {_COUNTS} from delivery {where} {order}"  # noqa: S608 (ours)
        async with self._db.connection() as connection:
            return [_plain(row) for row in await connection.fetch(query, *conditions.values)]


def _plain(row: Any) -> Row:
    fields = dict(row)
    for name in ("id", "endpoint_id", "care_flow_id"):
        if fields.get(name) is not None:
            fields[name] = str(fields[name])
    return fields
