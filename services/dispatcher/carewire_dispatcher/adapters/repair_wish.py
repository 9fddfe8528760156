"""What somebody asks to be sent again, and how a repair of it begins."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from carewire_dispatcher.adapters.repair_query import Sought
from carewire_dispatcher.adapters.repair_record import Repair
from carewire_dispatcher.domain.repair import BY_LOG, RepairKind, Which
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.pool import Connection
from carewire_runtime.postgres.queries import load_queries

_HEARD_AFTER: Final = timedelta(seconds=1)
"""Workers hear of a change within this; what came to them earlier they would hold again."""

_HEARD_LATE: Final = timedelta(seconds=30)
"""Until what was held by a worker that had not heard is sent: it may still not have."""

_queries = load_queries("carewire_dispatcher")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks to be sent again. Times are those of the events' appending, the second one exclusive."""

    kind: RepairKind
    which: Which
    endpoint_id: str | None = None
    care_flow_id: str | None = None
    delivery_id: str | None = None
    event_from: datetime | None = None
    event_to: datetime | None = None

    def is_that_of(self, repair: Repair) -> bool:
        """Whether a repair was asked for in the same words."""
        return all(getattr(repair, part) == value for part, value in asdict(self).items())

    @property
    def begin(self) -> int | None:
        """The first instant, None where any is."""
        return None if self.event_from is None else round(self.event_from.timestamp() * 1000)

    @property
    def begins_with_the_log(self) -> bool:
        """Whether deliveries are looked up in the log; else events are looked at one after the other."""
        return self.delivery_id is not None or self.which in BY_LOG


def sought_by(wish: Wish) -> Sought:
    """Say what of the log is asked for."""
    return Sought(wish.which, wish.endpoint_id, wish.care_flow_id, wish.event_from, wish.event_to)


def first_look() -> dict[str, Any]:
    """How a repair that begins with the log begins."""
    return {"cursor": None, "found": 0, "settled": False, "ends": None}


async def add_repair(
    connection: Connection,
    wish: Wish,
    total: int,
    progress: dict[str, Any],
    by: str | None,
    now: datetime,
    *,
    after: timedelta = timedelta(),
    request_key: str | None = None,
) -> Repair:
    """Add a repair that begins after a while, in the transaction that the connection is in. Raises DatabaseError."""
    row = await connection.fetchrow(
        _queries.add_repair,
        new_id(),
        wish.kind,
        wish.which,
        wish.endpoint_id,
        wish.care_flow_id,
        wish.delivery_id,
        wish.event_from,
        wish.event_to,
        total,
        progress,
        now + after,
        by,
        now,
        request_key,
    )
    return Repair.of(row)


async def delete_repairs(connection: Connection, before: str, limit: int) -> int:
    """Forget the oldest repairs before an id that have ended, some at a time; returns how many."""
    return int((await connection.execute(_queries.delete_repairs, before, limit)).split()[-1])


async def resume_held(
    connection: Connection, endpoint_id: str, now: datetime, after: timedelta = _HEARD_AFTER
) -> Repair:
    """Send all that is held for an endpoint, in the transaction that opens it again. Raises DatabaseError."""
    wish = Wish(RepairKind.RESUME, Which.HELD, endpoint_id)
    total, _ = await sought_by(wish).count(connection, {})
    return await add_repair(connection, wish, total, first_look(), None, now, after=after)


async def resume_late(connection: Connection, endpoint_ids: Iterable[str], now: datetime) -> None:
    """Have sent what was held just now for endpoints that are open, in the transaction that notes what was held.

    So nothing stays held because a worker heard of an opening late, however late: a resume takes all that was told
    before it looked for the last time, and what is told after that is taken here. A resume counts on that is yet to
    look where the log ends, unless it is at a step at this moment. Raises DatabaseError.
    """
    for row in await connection.fetch(_queries.open_without_resume, sorted(set(endpoint_ids))):
        await resume_held(connection, str(row["id"]), now, _HEARD_LATE)
