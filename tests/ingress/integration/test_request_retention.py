"""What was kept long enough goes, with all that belongs to it, and by one process at a time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from carewire_contracts.requests import ReasonCode
from carewire_contracts.statuses import RequestStatus
from carewire_ingress import app
from carewire_ingress.adapters.request_retention import delete_requests
from carewire_ingress.adapters.request_store import RequestStore
from carewire_ingress.domain.request_log import LogEntry
from carewire_runtime.audit import delete_audit_records
from carewire_runtime.clock import FakeClock
from carewire_runtime.ids import derived_id, earliest_id
from carewire_runtime.postgres.migrations import migrate
from carewire_runtime.postgres.pool import Database
from carewire_runtime.retention import EVERY_S, Kept, Retention
from carewire_runtime.telemetry import metrics
from carewire_testing.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TABLES = {
    "request": "id",
    "request_status": "request_id",
    "request_reason": "request_id",
    "request_resubmission": "request_id",
    "request_start_key": "request_id",
}


def born(at: datetime, number: int = 0) -> str:
    return str(UUID(int=UUID(earliest_id(at)).int | 0x7 << 76 | 0b10 << 62 | number))


def entry(at: datetime, number: int) -> LogEntry:
    return LogEntry(
        request_id=born(at, number),
        webhook_id=derived_id("webhook"),
        definition_id="d",
        status=RequestStatus.REJECTED,
        reached={RequestStatus.REJECTED: at},
        received_at=at,
        reasons=({"code": ReasonCode.NO_MATCH.value, "message": "m"},),
        resubmission_of=derived_id("original", str(number)),
        start_key=derived_id("key", str(number)),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def empty(database_dsn: str) -> AsyncIterator[Database]:
    database = Database(database_dsn, app.SERVICE)
    await database.start()
    await migrate(database, "carewire_ingress")
    yield database
    await database.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def db(empty: Database) -> Database:
    async with empty.connection() as connection:
        await connection.execute(f"truncate {', '.join(TABLES)}, audit_record")
    return empty


async def kept_ids(db: Database) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    async with db.connection() as connection:
        for table, column in TABLES.items():
            rows = await connection.fetch(f"select {column}::text as id from {table} order by {column}")  # noqa: S608
            found[table] = [row["id"] for row in rows]
    return found


async def audit_record(db: Database, at: datetime) -> None:
    async with db.connection() as connection:
        await connection.execute(
            "insert into audit_record values ($1, $2, 'p', 'n', 'admin', 'a', 'k', 's', null)", born(at), at
        )


def retention(db: Database, clock: FakeClock, *, batch: int = 1_000) -> Retention:
    kept = (Kept("requests", 90 * DAY, delete_requests), Kept("audit_records", 365 * DAY, delete_audit_records))
    return Retention(db, kept, clock, batch=batch)


async def cleared(db: Database, **more: Any) -> None:
    await retention(db, FakeClock(NOW), **more).clear(asyncio.Event())


async def test_what_is_older_goes_with_all_that_belongs_to_it_and_the_rest_stays(db: Database) -> None:
    old = [entry(NOW - 90 * DAY - timedelta(milliseconds=age), age) for age in (1, 10, 1_000)]
    young = [entry(NOW - 90 * DAY + timedelta(milliseconds=age), age) for age in (0, 1, 10)]
    await RequestStore(db).save(sorted([*old, *young], key=lambda one: one.request_id))
    counted = metrics.ROWS_EXPIRED.value(what="requests")
    await cleared(db)
    assert await kept_ids(db) == {table: [one.request_id for one in young] for table in TABLES}
    assert metrics.ROWS_EXPIRED.value(what="requests") == counted + 3


@pytest.mark.parametrize(("rows", "batch"), [(0, 3), (1, 3), (3, 3), (7, 3), (6, 3), (5, 1)])
async def test_batches_are_bounded_and_none_is_forgotten(db: Database, rows: int, batch: int) -> None:
    entries = [entry(NOW - 91 * DAY, number) for number in range(rows)]
    if entries:
        await RequestStore(db).save(entries)
    async with db.connection() as connection, connection.transaction():
        assert await delete_requests(connection, earliest_id(NOW), batch) == min(rows, batch)
    assert len((await kept_ids(db))["request"]) == max(0, rows - batch)
    await cleared(db, batch=batch)
    assert await kept_ids(db) == {table: [] for table in TABLES}


async def test_audit_records_have_a_life_of_their_own(db: Database) -> None:
    for age in (366, 364, 91):
        await audit_record(db, NOW - age * DAY)
    await cleared(db)
    async with db.connection() as connection:
        found = [row["at"] for row in await connection.fetch("select at from audit_record order by id")]
    assert found == [NOW - 364 * DAY, NOW - 91 * DAY]


async def test_while_another_process_is_at_it_nothing_is_done(db: Database) -> None:
    await RequestStore(db).save([entry(NOW - 91 * DAY, 1)])
    async with db.connection() as other:
        await other.execute("select pg_advisory_lock(hashtextextended('carewire retention of ingress', 0))")
        await cleared(db)
        assert len((await kept_ids(db))["request"]) == 1
    await cleared(db)
    assert (await kept_ids(db))["request"] == []


async def test_it_is_done_at_the_start_and_each_hour_until_the_stop(db: Database) -> None:
    clock, stop = FakeClock(NOW), asyncio.Event()
    await RequestStore(db).save([entry(NOW - 91 * DAY, 1), entry(NOW - 90 * DAY + timedelta(minutes=30), 2)])
    running = asyncio.create_task(retention(db, clock).run(stop))

    async def remaining(count: int) -> bool:
        return len((await kept_ids(db))["request"]) == count and clock.sleepers == 1

    await eventually(lambda: remaining(1))
    clock.advance(EVERY_S)
    await eventually(lambda: remaining(0))
    stop.set()
    await running


async def test_while_postgres_is_away_it_tries_again(database_dsn: str) -> None:
    away = Database("postgresql://127.0.0.1:1/none", app.SERVICE)
    await away.start()
    clock, stop = FakeClock(NOW), asyncio.Event()
    running = asyncio.create_task(retention(away, clock).run(stop))
    await eventually(lambda: clock.sleepers == 1)
    clock.advance(0.2)
    await eventually(lambda: clock.sleepers == 1)
    stop.set()
    await running
    await away.stop()
