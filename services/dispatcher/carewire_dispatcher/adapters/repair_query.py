"""The statements by which a repair finds deliveries in the log."""

from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

from carewire_dispatcher.domain.log_entry import DeliveryStatus
from carewire_dispatcher.domain.repair import BY_LOG, NEWEST_EPOCH, Known, Which
from carewire_runtime.postgres.conditions import Conditions
from carewire_runtime.postgres.pool import Connection
from carewire_runtime.postgres.queries import load_queries

_COLUMNS: Final = (
    "id, endpoint_id, event_id, event_type, event_topic, event_partition, event_offset, event_at, epoch, attempts, "
    "status"
)
_UNDELIVERED: Final = "status <> 'delivered'"
"""The indexes of what is not delivered are only used where a query says so in their own words."""
_TWICE_WITHIN: Final = timedelta(days=1)
"""How far apart an event may have been published twice."""

_queries = load_queries("carewire_dispatcher")

Cursor = tuple[str, int, int, str]
"""Topic, partition and offset of an event, and the delivery's id."""


class Sought:
    """Deliveries that a repair looks for in the log."""

    def __init__(
        self,
        which: Which,
        endpoint_id: str | None = None,
        care_flow_id: str | None = None,
        event_from: datetime | None = None,
        event_to: datetime | None = None,
        epoch: int = NEWEST_EPOCH,
    ) -> None:
        self._which = which
        self._endpoint_id = endpoint_id
        self._care_flow_id = care_flow_id
        self._from = event_from
        self._to = event_to
        self._epoch = epoch

    async def some(self, connection: Connection, after: Cursor | None, limit: int) -> list[Any]:
        """Return deliveries in the order in which their events stand in Kafka."""
        conditions = self._conditions()
        if after is not None:
            place = ", ".join(conditions.parameter(part) for part in after)
            where = conditions.where(_UNDELIVERED, f"(event_topic, event_partition, event_offset, id) > ({place})")
        else:
            where = conditions.where(_UNDELIVERED)
        order = "order by event_topic, event_partition, event_offset, id"
        query = f"select {_COLUMNS} from delivery {where} {order} limit {conditions.parameter(limit)}"  # noqa: S608 (ours)
        rows: list[Any] = await connection.fetch(query, *conditions.values)
        return rows

    async def count(self, connection: Connection, begins: dict[tuple[str, int], int]) -> tuple[int, int]:
        """Count them, and those of which the event is gone: it stood before its partition's first offset."""
        conditions = self._conditions()
        topics, partitions = [place[0] for place in begins], [place[1] for place in begins]
        given = ", ".join(conditions.parameter(values) for values in (topics, partitions, list(begins.values())))
        query = (
            "select count(*) as found, count(*) filter (where event_offset < coalesce(first, 0)) as gone from delivery "  # noqa: S608 (ours)
            f"left join unnest({_typed(given)}) as began (topic, partition, first) "
            f"on topic = event_topic and partition = event_partition {conditions.where(_UNDELIVERED)}"
        )
        row = await connection.fetchrow(query, *conditions.values)
        return row["found"], row["gone"]

    def _conditions(self) -> Conditions:
        conditions = Conditions()
        conditions.add("status = any({}::text[])", [str(status) for status in BY_LOG[self._which]])
        conditions.add("epoch < {}", self._epoch)
        conditions.add("endpoint_id = {}::uuid", self._endpoint_id)
        conditions.add("care_flow_id = {}::uuid", self._care_flow_id)
        conditions.add("event_at >= {}", self._from)
        conditions.add("event_at < {}", self._to)
        return conditions


def _typed(placeholders: str) -> str:
    types: tuple[LiteralString, ...] = ("text[]", "integer[]", "bigint[]")
    return ", ".join(f"{name}::{kind}" for name, kind in zip(placeholders.split(", "), types, strict=True))


async def known_deliveries(
    connection: Connection, delivery_ids: list[str], begin: datetime, end: datetime
) -> dict[str, Known]:
    """Say what the log knows of some deliveries, whose events came between two moments."""
    rows = await connection.fetch(_queries.known_deliveries, delivery_ids, begin - _TWICE_WITHIN, end + _TWICE_WITHIN)
    return {str(row["id"]): known_of(row) for row in rows}


def known_of(row: Any) -> Known:
    """Return what a row says of its delivery."""
    return Known(DeliveryStatus(row["status"]), row["epoch"], row["attempts"])
