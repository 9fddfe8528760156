"""Pages of the log stay short readings: every filter and mixture finds what it should, and an index leads to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carewire_dispatcher.adapters.delivery_query import IN_ORDER, attempts_query, deliveries_query
from carewire_dispatcher.adapters.delivery_store import DeliveryStore, place_after
from carewire_dispatcher.domain.delivery_filter import AttemptFilter, DeliveryFilter
from carewire_runtime.postgres.migrations import migrate
from carewire_runtime.postgres.pool import Database

ROWS = 6_000
DAYS = 6
START = datetime(2026, 3, 2, tzinfo=UTC)
BUSY = "00000000-0000-4000-8000-000000000001"
QUIET = "00000000-0000-4000-8000-000000000002"
CARE_FLOW = "00000000-0000-4000-8000-0000000000cc"
LIMIT = 50

FILL = f"""
insert into delivery (
    id, endpoint_id, event_id, event_type, event_topic, event_partition, event_offset, event_at, epoch, attempts,
    status, reason, first_attempt_at, next_attempt_at, updated_at, care_flow_id, status_code, failure
)
select
    md5('delivery' || n)::uuid,
    case when n % 1000 = 7 then '{QUIET}' else '{BUSY}' end::uuid,
    'event-' || n / 2,
    case when n % 500 = 3 then 'track.stopped' else 'pathway.completed' end,
    'carewire.events', 0, n,
    '{START.isoformat()}'::timestamptz + n / 2 * interval '{DAYS * 86_400 * 2 / ROWS} s',
    0, 1,
    case when n % 300 = 1 then 'failed' when n % 400 = 7 then 'held' else 'delivered' end,
    null, null, null, now(),
    case when n % 700 = 9 then '{CARE_FLOW}'::uuid end,
    case when n % 300 = 1 then 422 when n % 400 <> 7 then 200 end,
    case when n % 400 = 7 then 'timeout' end
from generate_series(0, {ROWS - 1}) as n;
insert into attempt (
    id, delivery_id, epoch, number, started_at, duration_ms, status_code, failure, outcome, endpoint_id
)
select md5('attempt' || id)::uuid, id, 0, 1, event_at, 5, status_code, failure, status, endpoint_id from delivery;
"""  # noqa: S608  the fragments are ours

FILTERS: dict[str, DeliveryFilter] = {
    "everything": DeliveryFilter(),
    "a busy endpoint": DeliveryFilter(endpoint_id=BUSY),
    "a quiet endpoint": DeliveryFilter(endpoint_id=QUIET),
    "an event": DeliveryFilter(event_id="event-77"),
    "a rare type": DeliveryFilter(event_type="track.stopped"),
    "a care flow": DeliveryFilter(care_flow_id=CARE_FLOW),
    "failed": DeliveryFilter(status="failed"),
    "delivered": DeliveryFilter(status="delivered"),
    "refused with a code": DeliveryFilter(status_code=422),
    "accepted with a code": DeliveryFilter(status_code=200),
    "a failure": DeliveryFilter(failure="timeout"),
    "a range of time": DeliveryFilter(event_from=START + timedelta(days=2), event_to=START + timedelta(days=3)),
    "an endpoint's held": DeliveryFilter(endpoint_id=QUIET, status="held"),
    "an endpoint's range": DeliveryFilter(endpoint_id=BUSY, event_from=START + timedelta(days=5)),
}
MIXTURES: dict[str, DeliveryFilter] = {
    "an event of an endpoint": DeliveryFilter(event_id="event-77", endpoint_id=BUSY),
    "failed of a type before a time": DeliveryFilter(
        status="failed", event_type="pathway.completed", event_to=START + timedelta(days=3)
    ),
    "refused of an endpoint": DeliveryFilter(endpoint_id=BUSY, status_code=422),
    "timed out of an endpoint": DeliveryFilter(endpoint_id=QUIET, failure="timeout"),
    "a care flow's of a type": DeliveryFilter(care_flow_id=CARE_FLOW, event_type="pathway.completed"),
    "delivered of a quiet endpoint": DeliveryFilter(endpoint_id=QUIET, status="delivered"),
    "what cannot be": DeliveryFilter(status="delivered", failure="timeout"),
}


@pytest.fixture(scope="module")
def dsn(database_dsn: str) -> str:
    async def prepare() -> None:
        db = Database(database_dsn, "dispatcher")
        await db.start()
        try:
            await migrate(db, "carewire_dispatcher")
            async with db.connection() as connection:
                for table in ("delivery", "attempt"):
                    for day in range(DAYS + 1):
                        await connection.execute("select make_day($1, $2)", table, (START + timedelta(days=day)).date())
                await connection.execute(FILL)
                await connection.execute("analyze delivery; analyze attempt")
        finally:
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
async def rows(db: Database) -> list[dict[str, Any]]:
    async with db.connection() as connection:
        return [dict(row) for row in await connection.fetch("select * from delivery order by event_at desc, id desc")]


def fits(row: dict[str, Any], wanted: DeliveryFilter) -> bool:
    """The filters, said once more."""
    named = ("endpoint_id", "event_type", "event_id", "care_flow_id", "status", "status_code", "failure")
    equal = all(
        getattr(wanted, name) in (None, row[name] if isinstance(row[name], int) else str(row[name])) for name in named
    )
    since, until = wanted.event_from or START, wanted.event_to or START + timedelta(days=99)
    return equal and since <= row["event_at"] < until


@pytest.mark.parametrize("name", [*FILTERS, *MIXTURES])
async def test_pages_of_a_filter_hold_what_fits_newest_first_without_gap_or_repeat(
    db: Database, rows: list[dict[str, Any]], name: str
) -> None:
    wanted = (FILTERS | MIXTURES)[name]
    store, expected = DeliveryStore(db), [str(row["id"]) for row in rows if fits(row, wanted)]
    seen: list[str] = []
    after = None
    while len(seen) < 400 and (page := await store.page(wanted, after, 97)):
        seen += [row["id"] for row in page]
        after = place_after(page[-1], "event_at")
    assert seen == expected[: len(seen)]
    assert len(seen) == len(expected) or len(seen) >= 400


async def explained(db: Database, query: str, values: list[Any]) -> list[dict[str, Any]]:
    async with db.transaction() as connection:
        await connection.execute(IN_ORDER)
        text = await connection.fetchval(f"explain (analyze, format json) {query}", *values)
    return nodes((json.loads(text) if isinstance(text, str) else text)[0]["Plan"])


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


def read(plan: list[dict[str, Any]]) -> float:
    """How many rows were read, those included that were thrown away."""
    scans = [node for node in plan if "Scan" in node["Node Type"] and "Relation Name" in node]
    read_by = [(node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in scans]
    return float(sum(read_by))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("page", ["first", "middle"])
async def test_a_page_of_one_filter_reads_little_more_than_it_shows(db: Database, name: str, page: str) -> None:
    middle = None if page == "first" else (START + timedelta(days=DAYS / 2), BUSY)
    plan = await explained(db, *deliveries_query(FILTERS[name], middle, LIMIT))
    assert not [node for node in plan if node["Node Type"] == "Seq Scan"]
    # A row of each day is looked at before the newest of all is known.
    assert read(plan) <= LIMIT + DAYS + 1 + LIMIT, json.dumps(plan[0], indent=1)


@pytest.mark.parametrize("name", MIXTURES)
async def test_a_mixture_is_led_by_an_index(db: Database, name: str) -> None:
    plan = await explained(db, *deliveries_query(MIXTURES[name], None, LIMIT))
    assert not [node for node in plan if node["Node Type"] == "Seq Scan"]


@pytest.mark.parametrize(
    ("wanted", "most"),
    [
        (AttemptFilter(BUSY), LIMIT),
        (AttemptFilter(QUIET), LIMIT),
        (AttemptFilter(BUSY, started_from=START + timedelta(days=5)), LIMIT),
        (AttemptFilter(QUIET, failure="timeout"), LIMIT),
        (AttemptFilter(QUIET, status_code=200), LIMIT),
        (AttemptFilter("00000000-0000-4000-8000-0000000000ff"), 0),
    ],
    ids=str,
)
async def test_attempts_of_an_endpoint_are_read_page_by_page_too(
    db: Database, wanted: AttemptFilter, most: int
) -> None:
    plan = await explained(db, *attempts_query(wanted, None, LIMIT))
    assert not [node for node in plan if node["Node Type"] == "Seq Scan"]
    assert read(plan) <= most + DAYS + 1
    store, seen, after = DeliveryStore(db), [], None
    while page := await store.attempts(wanted, after, 7):
        seen += page
        after = place_after(page[-1], "started_at")
        if len(seen) > 60:
            break
    assert seen == sorted(seen, key=lambda row: (row["started_at"], row["id"]), reverse=True)
    assert len({row["id"] for row in seen}) == len(seen)
    assert {row["endpoint_id"] for row in seen} <= {wanted.endpoint_id}
    assert all(wanted.failure in (None, row["failure"]) for row in seen)
