"""What the log tells of an endpoint's last attempts, and of what is undelivered."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carewire_dispatcher.adapters import endpoint_health_store
from carewire_dispatcher.adapters.endpoint_health_store import EndpointHealthStore, Lately, Undelivered
from carewire_dispatcher.adapters.log_days import LogDays
from carewire_dispatcher.domain.classify import Answer, Retry, Verdict
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.log_entry import LogEntry, Tried
from carewire_dispatcher.domain.schedule import Slot
from carewire_runtime.clock import FakeClock
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.queries import load_queries
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.stores import an_attempt_log

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DELIVERED = End(EndStatus.DELIVERED)
RETRYING = Retry(Slot(1, 5_000))
FAILED = End(EndStatus.FAILED, EndReason.EXHAUSTED)
HELD = End(EndStatus.HELD, EndReason.ENDPOINT_DISABLED)


@pytest.fixture
async def db(migrated: str) -> AsyncIterator[Database]:
    made = Database(migrated, "dispatcher")
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


FILL = """
insert into attempt (id, delivery_id, epoch, number, started_at, duration_ms, status_code, outcome, endpoint_id)
select gen_random_uuid(), gen_random_uuid(), 0, 1, $1::timestamptz - n * interval '7 seconds', 7, 200, 'delivered',
    ('00000000-0000-4000-8000-0000000000' || lpad((n % 40)::text, 2, '0'))::uuid
from generate_series(1, 20000) as n;
"""
FILL_DELIVERIES = """
insert into delivery (
    id, endpoint_id, event_id, event_type, event_topic, event_partition, event_offset, event_at, epoch, attempts,
    status, updated_at
)
select gen_random_uuid(), ('00000000-0000-4000-8000-0000000000' || lpad((n % 40)::text, 2, '0'))::uuid, 'e' || n,
    'pathway.completed', 'carewire.events', 0, n, $1::timestamptz - n * interval '7 seconds', 0, 1,
    (array['delivered', 'retrying', 'held', 'failed'])[1 + n % 16 / 13 * (n % 3 + 1)], $1
from generate_series(1, 20000) as n;
"""
ONE = "00000000-0000-4000-8000-000000000007"


@pytest.mark.parametrize(
    ("query", "arguments", "most"),
    [
        ("sum_attempts_up", (ONE, NOON - 24 * HOUR, 100), 100),
        ("sum_attempts_up", (ONE, NOON - HOUR, 10_000), 20),
        ("count_undelivered", (ONE, 10), 3 * (10 + 1)),
    ],
    ids=["a day, cut", "an hour", "undelivered"],
)
async def test_no_more_is_read_than_is_counted_however_long_the_log_is(
    db: Database, query: str, arguments: tuple[Any, ...], most: int
) -> None:
    days = LogDays(db, timedelta(days=30), FakeClock(NOON))
    moments = [NOON, NOON - 24 * HOUR, NOON - 48 * HOUR]
    await days.ensure("attempt", moments)
    await days.ensure("delivery", moments)
    async with db.connection() as connection:
        if await connection.fetchval("select count(*) from attempt where endpoint_id = $1", ONE) == 0:
            await connection.execute(FILL, NOON)
            await connection.execute(FILL_DELIVERIES, NOON)
            await connection.execute("analyze attempt")
            await connection.execute("analyze delivery")
        text = getattr(load_queries("carewire_dispatcher"), query)
        explained = await connection.fetchval(f"explain (analyze, format json) {text}", *arguments)
    found = list(_nodes((json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"]))
    scans = [node for node in found if "Relation Name" in node]
    assert "Seq Scan" not in {node["Node Type"] for node in scans}
    # A row of each of the three days is looked at before the newest or oldest of all is known.
    read = sum((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in scans)
    assert read <= most + 3 * 3, json.dumps(found[0], indent=1)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)
