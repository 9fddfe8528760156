"""A deed is on record if, and only if, its change is; and records are found by any filter through an index."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carewire_runtime.audit import Audit, AuditFilter, Deed, audit_page, audit_query, delete_audit_records
from carewire_runtime.auth import Principal, Role
from carewire_runtime.clock import FakeClock
from carewire_runtime.ids import earliest_id
from carewire_runtime.postgres.pool import Database
from carewire_runtime.telemetry.tracing import current_traceparent, span

ADA = Principal("019cad9d-dd48-7000-8000-00000000000a", "ada", Role.ADMIN)
BOB = Principal("019cad9d-dd48-7000-8000-00000000000b", "bob", Role.OPERATOR)


async def done(db: Database, principal: Principal, *deeds: Deed, clock: FakeClock | None = None) -> None:
    async with db.transaction() as connection:
        await Audit(clock or FakeClock()).add(connection, principal, deeds)


async def test_a_deed_is_told_with_who_did_it_and_when(db: Database) -> None:
    clock = FakeClock()
    with span("test"):
        traceparent = current_traceparent() or ""
        await done(db, BOB, Deed("thing.make", "thing", "t-1"), clock=clock)
    (record,) = await audit_page(db, AuditFilter(), None, 10)
    assert record.pop("id")
    assert record == {
        "at": clock.now(),
        "principal_id": BOB.id,
        "principal_name": "bob",
        "principal_role": "operator",
        "action": "thing.make",
        "subject_kind": "thing",
        "subject_id": "t-1",
        "trace_id": traceparent[3:35],
    }


async def test_without_a_trace_none_is_told(db: Database) -> None:
    await done(db, BOB, Deed("thing.make", "thing", "t-1"))
    assert [record["trace_id"] for record in await audit_page(db, AuditFilter(), None, 10)] == [None]


async def test_what_is_rolled_back_was_not_done(db: Database) -> None:
    async def broken_off() -> None:
        async with db.transaction() as connection:
            await Audit(FakeClock()).add(connection, ADA, [Deed("thing.make", "thing", "t-1")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await broken_off()
    assert await audit_page(db, AuditFilter(), None, 10) == []


async def test_no_deed_is_no_record(db: Database) -> None:
    await done(db, ADA)
    assert await audit_page(db, AuditFilter(), None, 10) == []


async def test_records_are_found_by_any_filters_together_newest_first(db: Database) -> None:
    await done(db, ADA, Deed("thing.make", "thing", "t-1"), Deed("thing.make", "thing", "t-2"))
    await done(db, BOB, Deed("thing.look_at", "thing", "t-1"), Deed("thing.look_at", "other", "t-1"))

    async def found(**wanted: Any) -> list[tuple[str, str, str]]:
        rows = await audit_page(db, AuditFilter(**wanted), None, 10)
        return [(row["principal_name"], row["action"], row["subject_id"]) for row in rows]

    look, make = ("bob", "thing.look_at", "t-1"), ("ada", "thing.make", "t-1")
    assert await found(subject_id="t-1") == [look, look, make]
    assert await found(subject_id="t-1", subject_kind="thing") == [look, make]
    assert await found(principal_id=ADA.id) == [("ada", "thing.make", "t-2"), make]
    assert await found(action="thing.look_at", principal_id=ADA.id) == []
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert len(await found(until=soon)) == 4
    assert await found(since=soon) == []


async def test_pages_hold_each_record_once(db: Database) -> None:
    await done(db, ADA, *(Deed("thing.make", "thing", f"t-{number}") for number in range(7)))
    found: list[str] = []
    while rows := await audit_page(db, AuditFilter(), found[-1] if found else None, 3):
        found += [row["id"] for row in rows]
    assert len(found) == 7
    assert found == sorted(set(found), reverse=True)


FILTERS = {
    "nothing": AuditFilter(),
    "subject": AuditFilter(subject_id="t-5"),
    "principal": AuditFilter(principal_id=BOB.id),
    "action": AuditFilter(action="thing.look_at"),
    "time": AuditFilter(since=datetime.now(UTC) - timedelta(days=1)),
}


@pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS.keys())
async def test_no_filter_reads_the_whole_table(db: Database, wanted: AuditFilter) -> None:
    await done(db, ADA, *(Deed("thing.make", "thing", f"t-{number}") for number in range(5_000)))
    await done(db, BOB, *(Deed("thing.look_at", "thing", f"t-{number}") for number in range(20)))
    query, values = audit_query(wanted, None, 51)
    async with db.connection() as connection:
        await connection.execute("analyze audit_record")
        plan = await connection.fetchval(f"explain (format json) {query}", *values)
    assert "Seq Scan" not in json.dumps(plan)


async def test_the_oldest_are_deleted_some_at_a_time(db: Database) -> None:
    await done(db, ADA, *(Deed("thing.make", "thing", f"t-{number}") for number in range(5)))
    newest = await audit_page(db, AuditFilter(), None, 5)
    soon = earliest_id(datetime.now(UTC) + timedelta(minutes=1))
    async with db.connection() as connection:
        assert await delete_audit_records(connection, earliest_id(datetime(2000, 1, 1, tzinfo=UTC)), 9) == 0
        assert await delete_audit_records(connection, soon, 3) == 3
        assert await audit_page(db, AuditFilter(), None, 9) == newest[:2]
        assert await delete_audit_records(connection, soon, 3) == 2
