"""What was held for an endpoint that is open is sent, however late a worker heard, or was given the key."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import pytest

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.endpoint_lookup import endpoint_lookup
from carewire_dispatcher.adapters.log_days import LogDays
from carewire_dispatcher.adapters.repair_runner import RepairRunner
from carewire_dispatcher.adapters.repair_step import RepairStep
from carewire_dispatcher.adapters.repair_wish import resume_held
from carewire_dispatcher.domain.classify import Verdict
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_runtime.clock import FakeClock
from carewire_runtime.ids import derived_id, new_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.pool import Database
from carewire_runtime.sealing import Keyring
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.repairs import FAILED, HELD, NOON, RETRYING, stored_endpoint
from carewire_testing_dispatcher.stores import KEYRING, STAFF, an_attempt_log, an_endpoint_store


@pytest.fixture
async def db(migrated: str) -> AsyncIterator[Database]:
    made = Database(migrated, "dispatcher")
    await made.start()
    async with made.connection() as connection:
        await connection.execute("truncate endpoint, delivery, attempt, outbox, repair cascade")
    yield made
    await made.stop()


async def told(db: Database, endpoint_id: str, verdict: Verdict = HELD) -> None:
    """A worker says what became of a delivery."""
    at = int(NOON.timestamp() * 1000)
    delivery = a_delivery(id=new_id(), endpoint_id=endpoint_id, event_at=at, attempt=1)
    entry = LogEntry.of(delivery, verdict, at)
    await an_attempt_log(db, FakeClock(NOON)).handle([Record("a", 0, 0, 0, b"k", entry.encode(), ())])


async def resumes(db: Database) -> list[Any]:
    async with db.connection() as connection:
        found: list[Any] = await connection.fetch("select * from repair where kind = 'resume' order by id")
        return found


async def test_it_is_sent_though_no_resume_looks_any_more(db: Database) -> None:
    endpoint_id = await stored_endpoint(db)
    await told(db, endpoint_id)
    [repair] = await resumes(db)
    assert (str(repair["endpoint_id"]), repair["which"], repair["total"]) == (endpoint_id, "held", 1)
    assert repair["next_step_at"] - NOON == timedelta(seconds=30), "the worker may still not have heard"
    await told(db, endpoint_id)
    assert len(await resumes(db)) == 1, "it takes both"


@pytest.mark.parametrize("closed", ["paused", "disabled", "deleted", "never there"])
async def test_what_is_held_for_an_endpoint_that_takes_nothing_waits_for_its_opening(db: Database, closed: str) -> None:
    endpoint_id, store = await stored_endpoint(db), an_endpoint_store(db)
    if closed == "never there":
        endpoint_id = derived_id("endpoint", "never there")
    else:
        close = {"paused": store.pause, "disabled": store.disable, "deleted": store.delete}[closed]
        await close(endpoint_id, STAFF)
    await told(db, endpoint_id)
    assert await resumes(db) == []


@pytest.mark.parametrize("verdict", [FAILED, RETRYING], ids=["failed", "retrying"])
async def test_what_was_not_held_is_left_alone(db: Database, verdict: Verdict) -> None:
    await told(db, await stored_endpoint(db), verdict)
    assert await resumes(db) == []


ENDS = "jsonb_set(progress, '{ends}', '{\"0\": 7}')"


@pytest.mark.parametrize(
    ("is_now", "begun"),
    [
        pytest.param("state = 'waiting'", 0, id="it has not begun"),
        pytest.param("state = 'running'", 0, id="it is yet to find where the log ends"),
        pytest.param(f"state = 'running', progress = {ENDS}", 1, id="it has found where the log ended"),
        pytest.param("state = 'done'", 1, id="it is over"),
    ],
)
async def test_a_resume_that_will_see_it_is_enough(db: Database, is_now: str, begun: int) -> None:
    endpoint_id = await stored_endpoint(db)
    async with db.transaction() as connection:
        await resume_held(connection, endpoint_id, NOON)
        await connection.execute(f"update repair set {is_now}")  # noqa: S608 (ours)
    await told(db, endpoint_id)
    assert len(await resumes(db)) == 1 + begun


async def test_a_resume_whose_step_is_under_way_is_not_counted_on(db: Database) -> None:
    """It may have found where the log ended, and not have said so yet."""
    endpoint_id = await stored_endpoint(db)
    async with db.transaction() as connection:
        await resume_held(connection, endpoint_id, NOON)
    async with db.transaction() as connection:
        await connection.execute("select * from repair for update")
        await told(db, endpoint_id)
    assert len(await resumes(db)) == 2


async def test_a_resume_waits_for_the_key_of_its_endpoint(db: Database) -> None:
    endpoint_id, clock = await stored_endpoint(db), FakeClock(NOON)
    async with db.transaction() as connection:
        await resume_held(connection, endpoint_id, NOON - timedelta(minutes=1))

    async def step(keyring: Keyring) -> str:
        days, reach = LogDays(db, timedelta(days=30), clock), cast("Any", Reach())
        endpoint_of = endpoint_lookup(an_endpoint_store(db), keyring)
        step = RepairStep(db, "", Topics(), cast("Any", None), endpoint_of, reach, days, clock)
        assert await RepairRunner(db, step, Topics(), clock).step()
        [repair] = await resumes(db)
        assert repair["next_step_at"] > clock.now()
        clock.advance(60)
        return str(repair["state"])

    assert await step(Keyring.parse(Keyring.generate())) == "waiting"
    assert await step(KEYRING) == "running"


class Reach:
    """The log knows all that there is."""

    async def log_ends(self) -> dict[int, int]:
        return {}

    async def log_has_read(self, ends: dict[int, int]) -> bool:
        return ends == {}
