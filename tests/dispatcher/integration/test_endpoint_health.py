"""What the log tells of an endpoint's last attempts, and of what is undelivered."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from carewire_dispatcher.adapters import endpoint_health_store
from carewire_dispatcher.adapters.endpoint_health_store import EndpointHealthStore, Lately, Undelivered
from carewire_dispatcher.domain.classify import Answer, Retry, Verdict
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.log_entry import LogEntry, Tried
from carewire_dispatcher.domain.schedule import Slot
from carewire_runtime.clock import FakeClock
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.migrations import migrate
from carewire_runtime.postgres.pool import Database
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.stores import an_attempt_log

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DELIVERED = End(EndStatus.DELIVERED)
RETRYING = Retry(Slot(1, 5_000))
FAILED = End(EndStatus.FAILED, EndReason.EXHAUSTED)
HELD = End(EndStatus.HELD, EndReason.ENDPOINT_DISABLED)


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


@pytest.fixture
def endpoint_id() -> str:
    return new_id()


def entry(endpoint_id: str, verdict: Verdict, at: datetime, duration: int = 7) -> Record:
    instant = int(at.timestamp() * 1000)
    delivery = a_delivery(id=new_id(), endpoint_id=endpoint_id, event_at=instant, attempt=1)
    tried = None if verdict == HELD else Tried.of(new_id(), instant, instant + duration, Answer(200))
    return Record("dispatcher.attempts", 0, 0, 0, b"k", LogEntry.of(delivery, verdict, instant, tried).encode(), ())


async def written(db: Database, *entries: Record) -> EndpointHealthStore:
    await an_attempt_log(db, FakeClock(NOON)).handle([*entries, entry(new_id(), FAILED, NOON)])
    return EndpointHealthStore(db)


async def test_attempts_since_a_moment_are_summed_up(db: Database, endpoint_id: str) -> None:
    ages: list[tuple[Verdict, int]] = [
        (DELIVERED, 10),
        (DELIVERED, 20),
        (RETRYING, 30),
        (DELIVERED, 90),
        (RETRYING, 60 * 30),
    ]
    entries = [entry(endpoint_id, verdict, NOON - timedelta(minutes=age), duration=age) for verdict, age in ages]
    log = await written(db, *entries)
    assert await log.lately(endpoint_id, NOON - HOUR) == Lately(NOON - HOUR, 3, 2, 20, 30, 30)
    assert await log.lately(endpoint_id, NOON - 24 * HOUR) == Lately(NOON - 24 * HOUR, 4, 3, 20, 90, 90)


async def test_of_very_many_only_the_last_are_looked_at_and_it_says_since_when(
    db: Database, endpoint_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_health_store, "LOOKED_AT", 2)
    entries = [entry(endpoint_id, FAILED, NOON - timedelta(minutes=age)) for age in (1, 2, 3)]
    log = await written(db, *entries)
    assert await log.lately(endpoint_id, NOON - HOUR) == Lately(NOON - timedelta(minutes=2), 2, 0, 7, 7, 7)
    assert (await log.undelivered(endpoint_id))["failed"].count == 2


async def test_what_is_undelivered_is_counted_by_its_status(db: Database, endpoint_id: str) -> None:
    verdicts: list[Verdict] = [DELIVERED, RETRYING, RETRYING, FAILED, HELD, HELD, HELD]
    entries = [entry(endpoint_id, verdict, NOON - number * HOUR) for number, verdict in enumerate(verdicts)]
    log = await written(db, *entries)
    assert await log.undelivered(endpoint_id) == {
        "retrying": Undelivered(2, NOON - 2 * HOUR),
        "failed": Undelivered(1, NOON - 3 * HOUR),
        "held": Undelivered(3, NOON - 6 * HOUR),
    }


async def test_of_one_that_was_never_called_nothing_is_known(db: Database, endpoint_id: str) -> None:
    log = await written(db)
    assert await log.known(endpoint_id) is None
    assert await log.lately(endpoint_id, NOON - HOUR) == Lately(NOON - HOUR, 0, 0, None, None, None)
    assert {one.count for one in (await log.undelivered(endpoint_id)).values()} == {0}
