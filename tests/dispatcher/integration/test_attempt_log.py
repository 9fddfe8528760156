import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from carewire_dispatcher.adapters.attempt_log import AttemptLog
from carewire_dispatcher.adapters.delivery_store import DeliveryStore
from carewire_dispatcher.domain.classify import Answer, Retry, Verdict
from carewire_dispatcher.domain.delivery_filter import DeliveryFilter
from carewire_dispatcher.domain.ending import End, EndStatus
from carewire_dispatcher.domain.log_entry import LogEntry, Tried
from carewire_dispatcher.domain.schedule import Slot
from carewire_runtime.clock import FakeClock
from carewire_runtime.ids import derived_id, new_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.migrations import migrate
from carewire_runtime.postgres.pool import Database
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.stores import an_attempt_log

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RETRY = Retry(Slot(1, 5_000))
DELIVERED = End(EndStatus.DELIVERED)


def millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@pytest.fixture(scope="module")
def dsn(database_dsn: str) -> str:
    async def prepare() -> None:
        db = Database(database_dsn, "dispatcher")
        await db.start()
        await migrate(db, "carewire_dispatcher")
        await db.stop()

    asyncio.run(prepare())
    return database_dsn


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    made = Database(dsn, "dispatcher")
    await made.start()
    yield made
    await made.stop()


class DeadTopic:
    """Takes what is set aside."""

    def __init__(self) -> None:
        self.reasons: list[bytes] = []

    async def send(self, _topic: str, *, headers: list[tuple[str, bytes]], **_: Any) -> None:
        self.reasons.append(dict(headers)["dead_reason"])


def a_log(db: Database, clock: FakeClock, dead: DeadTopic | None = None) -> AttemptLog:
    return an_attempt_log(db, clock, dead or DeadTopic())


def entry(event_id: str, verdict: Verdict, attempt: int, at: datetime = NOON) -> Record:
    tried = Tried.of(new_id(), millis(at), millis(at) + 7, Answer(200))
    delivery = a_delivery(id=derived_id("delivery", event_id), event_id=event_id, event_at=millis(at), attempt=attempt)
    value = LogEntry.of(delivery, verdict, millis(at) + attempt, tried).encode()
    return Record("dispatcher.attempts", 0, 0, 0, b"k", value, ())


async def read(db: Database, event_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return await DeliveryStore(db).get(derived_id("delivery", event_id))


async def test_a_batch_that_comes_again_changes_nothing(db: Database) -> None:
    log = a_log(db, FakeClock(NOON))
    batch = [entry("again", RETRY, 1), entry("again", RETRY, 2), entry("again", DELIVERED, 3)]
    await log.handle(batch)
    once = await read(db, "again")
    await log.handle(batch)
    assert await read(db, "again") == once
    assert (once[0]["status"], once[0]["attempts"]) == ("delivered", 3)
    assert [attempt["number"] for attempt in once[1]] == [1, 2, 3]


async def test_batches_in_the_wrong_order_end_in_the_same_state(db: Database) -> None:
    log = a_log(db, FakeClock(NOON))
    await log.handle([entry("order", DELIVERED, 2)])
    await log.handle([entry("order", RETRY, 1)])
    await log.handle([entry("order", RETRY, 3)])
    assert (await read(db, "order"))[0]["status"] == "delivered"


async def test_days_are_made_as_they_come_and_dropped_when_they_are_old(db: Database) -> None:
    clock = FakeClock(NOON)
    log = a_log(db, clock)
    await log.handle([entry("old", DELIVERED, 1)])
    store = DeliveryStore(db)
    assert await store.page(DeliveryFilter(event_id="old"), None, 10)
    clock.advance(timedelta(days=31).total_seconds())
    await log.handle([entry("new", DELIVERED, 1, clock.now())])
    assert await store.page(DeliveryFilter(event_id="old"), None, 10) == []
    assert await store.page(DeliveryFilter(event_id="new"), None, 10)


async def test_a_late_row_of_a_dropped_day_finds_its_place_again(db: Database) -> None:
    log = a_log(db, FakeClock(NOON + timedelta(days=40)))
    await log.handle([entry("late", DELIVERED, 1)])
    assert (await read(db, "late"))[0]["status"] == "delivered"


async def test_two_writers_may_make_a_day_at_the_same_time(db: Database) -> None:
    clock = FakeClock(NOON + timedelta(days=50))
    at = clock.now()
    writers = [a_log(db, clock) for _ in range(4)]
    await asyncio.gather(*(w.handle([entry(f"w{n}", DELIVERED, 1, at)]) for n, w in enumerate(writers)))
    assert len(await DeliveryStore(db).page(DeliveryFilter(event_type="pathway.completed"), None, 100)) >= 4


@pytest.mark.parametrize(
    "fields",
    [{"event_id": "nul\0"}, {"delivery_id": "no uuid"}, {"event_at": "noon"}, {"event_offset": 2**63}, {"epoch": -1}],
    ids=lambda fields: next(iter(fields)),
)
async def test_an_entry_that_postgres_would_refuse_is_set_aside_and_its_neighbours_are_written(
    db: Database, fields: dict[str, Any]
) -> None:
    dead = DeadTopic()
    log = a_log(db, FakeClock(NOON), dead)
    name = f"beside {next(iter(fields))}"
    neighbour, poison = entry(name, DELIVERED, 1), entry("poison", DELIVERED, 1)
    broken = orjson.dumps(orjson.loads(poison.value or b"") | fields)
    await log.handle([dataclasses.replace(poison, value=broken), neighbour])
    assert dead.reasons == [b"unreadable_log_entry"]
    assert (await read(db, name))[0]["status"] == "delivered"
