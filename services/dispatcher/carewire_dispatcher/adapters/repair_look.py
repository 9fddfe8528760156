"""One look of a repair: the next deliveries that it takes, with the bytes of their events. It changes nothing."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

from carewire_dispatcher.adapters.event_reader import RUN_BYTES, EventReader
from carewire_dispatcher.adapters.fresh_delivery import delivery_id_of, fresh_delivery
from carewire_dispatcher.adapters.repair_query import Cursor, known_deliveries, known_of
from carewire_dispatcher.adapters.repair_reach import Place
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.matching import Event, Subscribers
from carewire_dispatcher.domain.repair import Which, closed_because, may_have_been_seen, takes
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.pool import Database

EVENTS_AT_ONCE: Final = 1_000

EndpointOf = Callable[[str], Awaitable[Endpoint | None]]
"""Tells the present state of an endpoint."""


@dataclass(slots=True)
class Look:
    """What was found: the deliveries to write, and how many were left alone, or cannot be read again."""

    taken: list[Delivery] = field(default_factory=list)
    looked_at: int = 0
    skipped: int = 0
    unreadable: int = 0
    bytes: int = 0

    def take(self, delivery: Delivery) -> None:
        """Add a delivery."""
        self.taken.append(delivery)
        self.bytes += len(delivery.body)

    @property
    def is_full(self) -> bool:
        """Whether no more should be looked at now."""
        return self.looked_at >= EVENTS_AT_ONCE or self.bytes >= RUN_BYTES


async def look_by_log(
    reader: EventReader, endpoint_of: EndpointOf, rows: Sequence[Any], epoch: int, now: int
) -> tuple[Look, Cursor | None]:
    """Make deliveries of rows of the log, which stand in the order of their events.

    Returns how far it came: the place of the last row that was looked at.
    """
    look, cursor = Look(), None
    endpoints: dict[str, Endpoint | None] = {}
    for (topic, partition), group in groupby(rows, key=lambda row: (row["event_topic"], row["event_partition"])):
        together = list(group)
        run = await reader.at(topic, partition, sorted({row["event_offset"] for row in together}))
        records = {record.offset: record for record in run.records}
        for row in together:
            if row["event_offset"] >= run.read_to:
                return look, cursor
            endpoint_id = str(row["endpoint_id"])
            if endpoint_id not in endpoints:
                endpoints[endpoint_id] = await endpoint_of(endpoint_id)
            _look_at_row(look, row, records.get(row["event_offset"]), endpoints[endpoint_id], epoch, now)
            cursor = (topic, partition, row["event_offset"], str(row["id"]))
        if look.is_full:
            break
    return look, cursor


def _look_at_row(look: Look, row: Any, record: Record | None, endpoint: Endpoint | None, epoch: int, now: int) -> None:
    look.looked_at += 1
    if endpoint is None or closed_because(endpoint) is not None:
        look.skipped += 1
        return
    # The offset of another topic of this name, as after a restore of the cluster, is another event's.
    if record is None or record.header("ce_id") != row["event_id"].encode():
        look.unreadable += 1
        return
    delivery = _made(record, row["event_id"], endpoint, epoch, now, replayed=may_have_been_seen(known_of(row)))
    if delivery is None:
        look.unreadable += 1
    else:
        look.take(delivery)


async def look_by_events(
    db: Database,
    reader: EventReader,
    endpoint: Endpoint,
    which: Which,
    places: Iterable[Place],
    epoch: int,
    now: int,
) -> tuple[Look, list[Place]]:
    """Look at the events of some places, one after the other. Returns how far it came in each.

    While Kafka is read no connection is kept from others.
    """
    look, after = Look(), []
    subscribers = Subscribers([endpoint])
    for topic, partition, first, following, end in places:
        if look.is_full or following >= end:
            after.append((topic, partition, first, following, end))
            continue
        run = await reader.between(topic, partition, following, end, EVENTS_AT_ONCE)
        gone = run.read_to - following - len(run.records)
        look.looked_at += len(run.records) + gone
        look.unreadable += gone
        wanted = [record for record in run.records if _is_wanted(subscribers, record)]
        await _take(db, look, wanted, endpoint, which, epoch, now)
        after.append((topic, partition, first, run.read_to, end))
    return look, after


async def _take(
    db: Database,
    look: Look,
    records: Sequence[Record],
    endpoint: Endpoint,
    which: Which,
    epoch: int,
    now: int,
) -> None:
    if not records:
        return
    ids = [delivery_id_of(_text(record, "ce_id"), endpoint.id) for record in records]
    times = [datetime.fromtimestamp(record.timestamp_ms / 1000, UTC) for record in records]
    async with db.connection() as connection:
        known = await known_deliveries(connection, ids, min(times), max(times))
    for record, delivery_id in zip(records, ids, strict=True):
        what = known.get(delivery_id)
        if not takes(which, what, epoch):
            look.skipped += 1
            continue
        replayed = may_have_been_seen(what)
        delivery = _made(record, _text(record, "ce_id"), endpoint, epoch, now, replayed=replayed)
        if delivery is None:
            look.unreadable += 1
        else:
            look.take(delivery)


def _is_wanted(subscribers: Subscribers, record: Record) -> bool:
    """Whether fan-out would have spread it to the endpoint; what it could not read lies among the dead records."""
    if record.header("ce_id") is None or record.header("ce_type") is None or record.value is None:
        return False
    event = Event(_text(record, "ce_type"), record.value, record.timestamp_ms)
    try:
        return bool(subscribers.of_type(event.type) and subscribers.of(event))
    except ValueError:
        return False


def _made(
    record: Record, event_id: str, endpoint: Endpoint, epoch: int, now: int, *, replayed: bool
) -> Delivery | None:
    event = Event(_text(record, "ce_type"), record.value or b"", record.timestamp_ms)
    try:
        return fresh_delivery(record, event, event_id, endpoint, now, epoch=epoch, replayed=replayed)
    except ValueError:
        return None


def _text(record: Record, name: str) -> str:
    return (record.header(name) or b"").decode("utf-8", "replace")
