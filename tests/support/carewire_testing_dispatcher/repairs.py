"""Endpoints and a log for repairs to work on, in Postgres."""

from datetime import UTC, datetime
from typing import Any, Final

from carewire_dispatcher.adapters.endpoint_models import NewEndpoint
from carewire_dispatcher.domain.classify import Retry, Verdict
from carewire_dispatcher.domain.delivery import EventPosition
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_dispatcher.domain.schedule import Slot
from carewire_runtime.clock import FakeClock
from carewire_runtime.ids import derived_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.pool import Database
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.stores import STAFF, an_attempt_log, an_endpoint_store

NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
CARE_FLOWS: Final = (derived_id("care flow", "one"), derived_id("care flow", "two"))
DELIVERED: Final = End(EndStatus.DELIVERED)
FAILED: Final = End(EndStatus.FAILED, EndReason.EXHAUSTED)
HELD: Final = End(EndStatus.HELD, EndReason.ENDPOINT_DISABLED)
RETRYING: Final = Retry(Slot(1, 5_000))
TOPIC: Final = "carewire.events"
PARTITION: Final = 1
FIRST_OFFSET: Final = 20

_FIELDS: Final[dict[str, Any]] = {"name": "n", "url": "https://receiver.example/"}


async def stored_endpoint(db: Database, *, paused: bool = False, **fields: Any) -> str:
    """Create an endpoint; returns its id."""
    store = an_endpoint_store(db)
    made, *_ = await store.create(NewEndpoint(**_FIELDS | fields).fields(), STAFF)
    if paused:
        await store.pause(made.record.id, STAFF)
    return made.record.id


async def log_of(
    db: Database, endpoint_id: str, *verdicts: Verdict, first: int = 0, told_at: datetime | None = None, **fields: Any
) -> list[str]:
    """Log a delivery for each verdict, a minute apart and in the order of their events; returns their ids.

    It is told at the time of the event, or at another.
    """
    records, ids = [], []
    for number, verdict in enumerate(verdicts, first):
        at = int(NOON.timestamp() * 1000) - 60_000 * (100 - number)
        made: dict[str, Any] = {
            "id": derived_id("delivery", f"event-{number}", endpoint_id),
            "endpoint_id": endpoint_id,
            "event_id": f"event-{number}",
            "event": EventPosition(TOPIC, PARTITION, FIRST_OFFSET + number),
            "event_at": at,
            "attempt": 1,
            "care_flow_id": CARE_FLOWS[number % 2],
        }
        delivery = a_delivery(**made | fields)
        told = at if told_at is None else int(told_at.timestamp() * 1000)
        records.append(Record("a", 0, 0, 0, b"k", LogEntry.of(delivery, verdict, told).encode(), ()))
        ids.append(delivery.id)
    async with db.connection() as connection:
        begun = await connection.fetch("select id from repair")
        await an_attempt_log(db, FakeClock(NOON)).handle(records)
        # What was held for an open endpoint has itself sent; here a test says which repairs there are.
        await connection.execute("delete from repair where id <> all($1::uuid[])", [row["id"] for row in begun])
    return ids
