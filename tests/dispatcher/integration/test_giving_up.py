"""An endpoint that fails for days is warned of and disabled, once, whoever reads the log and however often."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.endpoint_models import NewEndpoint
from carewire_dispatcher.adapters.endpoint_store import EndpointStore
from carewire_dispatcher.domain.classify import Answer, Retry, Verdict
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.log_entry import LogEntry, Tried
from carewire_dispatcher.domain.schedule import Slot
from carewire_runtime.clock import FakeClock
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.outbox import OutboxRecord, unpack
from carewire_runtime.postgres.pool import Database
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.stores import STAFF, an_attempt_log, an_endpoint_store

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FAILED = Retry(Slot(1, 5_000))
DELIVERED = End(EndStatus.DELIVERED)
GONE = End(EndStatus.FAILED, EndReason.ENDPOINT_GONE)


@pytest.fixture
async def db(migrated: str) -> AsyncIterator[Database]:
    made = Database(migrated, "dispatcher")
    await made.start()
    async with made.connection() as connection:
        await connection.execute("truncate endpoint, outbox cascade")
    yield made
    await made.stop()


@pytest.fixture
def store(db: Database) -> EndpointStore:
    return an_endpoint_store(db)


@pytest.fixture
def clock() -> FakeClock:
    # Ahead of the database's clock, by which it is noted when an endpoint was enabled.
    return FakeClock(datetime.now(UTC) + DAY)


async def an_endpoint(db: Database, store: EndpointStore) -> str:
    wanted = NewEndpoint(name="crm", url="https://hooks.crm.example/token-in-path")
    stored, _ = await store.create(wanted.fields(), STAFF)
    async with db.connection() as connection:
        await connection.execute("truncate outbox")
    return stored.record.id


def attempt(endpoint_id: str, verdict: Verdict, at: datetime) -> Record:
    instant = int(at.timestamp() * 1000)
    delivery = a_delivery(id=new_id(), endpoint_id=endpoint_id, event_at=instant, attempt=1)
    entry = LogEntry.of(delivery, verdict, instant, Tried.of(new_id(), instant - 7, instant, Answer(500)))
    return Record("dispatcher.attempts", 0, 0, 0, endpoint_id.encode(), entry.encode(), ())


async def published(db: Database) -> list[OutboxRecord]:
    async with db.connection() as connection:
        rows = await connection.fetch("select heads, bodies from outbox order by id")
    return [record for row in rows for record in unpack(row["heads"], row["bodies"])]


async def told(db: Database) -> list[dict[str, Any]]:
    records = [record for record in await published(db) if record.topic == Topics().endpoint_events.name]
    events = [orjson.loads(record.value or b"") for record in records]
    for record, event in zip(records, events, strict=True):
        headers = dict(record.headers)
        assert record.key == headers["ce_subject"] == event["endpoint_id"].encode()
        assert headers["ce_type"] == event["event_type"].encode()
        assert b"token-in-path" not in (record.value or b"")
    return events


async def test_three_days_of_failing_bring_two_warnings_and_then_the_end(
    db: Database, store: EndpointStore, clock: FakeClock
) -> None:
    endpoint_id, began, handed = await an_endpoint(db, store), clock.now(), []
    for hour in range(3 * 24 + 1):
        record = attempt(endpoint_id, FAILED, clock.now())
        handed.append(record)
        # Each writer knows nothing but what the database says: it may be another one each time.
        await an_attempt_log(db, clock).handle([record])
        clock.advance(HOUR.total_seconds())
        stored = (await store.get(endpoint_id)).record
        assert stored.enabled == (hour < 72)
    assert stored.disabled_because == "failing"
    first, second, end = await told(db)
    assert [event["event_type"] for event in (first, second, end)] == [
        "endpoint.warning",
        "endpoint.warning",
        "endpoint.disabled",
    ]
    assert (end["reason"], end["host"], end["tenant_id"]) == ("failing", "hooks.crm.example", "north-clinic")
    assert {event["failing_since"] for event in (first, second)} == {_written(began)}
    assert first["disables_at"] == _written(began + 3 * DAY)
    configuration = [record for record in await published(db) if record.topic == Topics().endpoints.name]
    assert [orjson.loads(record.value or b"")["enabled"] for record in configuration] == [False]
    # The end of the log is read once more, as after a kill.
    await an_attempt_log(db, clock).handle(handed[-30:])
    assert len(await told(db)) == 3


async def test_a_410_is_the_end_at_once_and_only_one_however_many_see_it(
    db: Database, store: EndpointStore, clock: FakeClock
) -> None:
    endpoint_id = await an_endpoint(db, store)
    seen = [attempt(endpoint_id, GONE, clock.now()) for _ in range(3)]
    await asyncio.gather(*(an_attempt_log(db, clock).handle([record]) for record in seen))
    assert (await store.get(endpoint_id)).record.disabled_because == "gone"
    assert [event["reason"] for event in await told(db)] == ["gone"]


async def test_a_success_after_a_warning_is_told(db: Database, store: EndpointStore, clock: FakeClock) -> None:
    endpoint_id, began = await an_endpoint(db, store), clock.now()
    log = an_attempt_log(db, clock)
    for _ in range(26):
        await log.handle([attempt(endpoint_id, FAILED, clock.now())])
        clock.advance(HOUR.total_seconds())
    success = attempt(endpoint_id, DELIVERED, clock.now())
    await log.handle([success])
    await log.handle([success])
    warning, recovered = await told(db)
    assert (warning["event_type"], recovered["event_type"]) == ("endpoint.warning", "endpoint.recovered")
    assert recovered["failing_since"] == _written(began)
    assert (await store.get(endpoint_id)).record.enabled


@pytest.mark.parametrize("cure", ["enabled again", "moved to another address"])
async def test_what_was_seen_before_the_cure_says_nothing(
    db: Database, store: EndpointStore, clock: FakeClock, cure: str
) -> None:
    endpoint_id = await an_endpoint(db, store)
    if cure == "enabled again":
        await store.disable(endpoint_id, STAFF)
        await store.enable(endpoint_id, STAFF)
    else:
        await store.change(endpoint_id, {"url": "https://hooks.crm.example/new"}, STAFF)
    log = an_attempt_log(db, clock)
    await log.handle([attempt(endpoint_id, GONE, datetime.now(UTC) - HOUR)])
    assert (await store.get(endpoint_id)).record.enabled
    await log.handle([attempt(endpoint_id, GONE, clock.now())])
    assert not (await store.get(endpoint_id)).record.enabled


async def test_staff_who_disable_an_endpoint_are_told_of_too_once(db: Database, store: EndpointStore) -> None:
    endpoint_id = await an_endpoint(db, store)
    for _ in range(2):
        await store.disable(endpoint_id, STAFF)
    assert [event["reason"] for event in await told(db)] == ["operator"]


async def test_attempts_for_an_endpoint_that_was_deleted_change_nothing(
    db: Database, store: EndpointStore, clock: FakeClock
) -> None:
    endpoint_id = await an_endpoint(db, store)
    await store.delete(endpoint_id, STAFF)
    await an_attempt_log(db, clock).handle([attempt(endpoint_id, GONE, clock.now())])
    assert await told(db) == []


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
