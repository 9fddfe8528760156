"""A step of a repair is saved whole or not at all: whoever does it again writes the same.

Real Postgres; Kafka is played, so that it can be away at any moment.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from carewire_contracts.envelope import Envelope
from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters import repair_step
from carewire_dispatcher.adapters.delivery_store import DeliveryStore
from carewire_dispatcher.adapters.endpoint_lookup import endpoint_lookup
from carewire_dispatcher.adapters.event_reader import Run
from carewire_dispatcher.adapters.log_days import LogDays
from carewire_dispatcher.adapters.repair_record import Repair
from carewire_dispatcher.adapters.repair_runner import RepairRunner
from carewire_dispatcher.adapters.repair_step import RepairStep
from carewire_dispatcher.adapters.repair_wish import Wish, add_repair, delete_repairs, first_look, resume_held
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.repair import RepairKind, RepairState, Which
from carewire_dispatcher.domain.supersession import decode_claim
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import KafkaUnavailable, RecordTooLarge
from carewire_runtime.ids import earliest_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.queries import load_queries
from carewire_testing_dispatcher.repairs import (
    CARE_FLOWS,
    DELIVERED,
    FAILED,
    FIRST_OFFSET,
    HELD,
    NOON,
    PARTITION,
    RETRYING,
    TOPIC,
    log_of,
    stored_endpoint,
)
from carewire_testing_dispatcher.stores import KEYRING, STAFF, an_endpoint_store

QUERIES = load_queries("carewire_dispatcher")


class Kafka:
    """Events to read, and what was written; it is told what it refuses."""

    def __init__(self) -> None:
        self.events = {number: an_event(number) for number in range(12)}
        self.written: list[Delivery] = []
        self.fault: Exception | None = None
        self.too_large: set[str] = set()
        self.log_ended_at = {0: 7}
        self.log_is_read_to = 0

    async def enqueue_all(self, records: Sequence[Any]) -> list[asyncio.Future[Any]]:
        futures = []
        for one in records:
            assert one.topic == "dispatcher.bulk.deliveries"
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            delivery = Delivery.of(one.key, one.value, one.headers)
            fault = RecordTooLarge("large") if delivery.event_id in self.too_large else self.fault
            if fault is None:
                self.written.append(delivery)
                future.set_result(None)
            else:
                future.set_exception(fault)
            futures.append(future)
        return futures

    async def at(self, topic: str, partition: int, offsets: Sequence[int]) -> Run:
        assert (topic, partition) == (TOPIC, PARTITION)
        found = [self.events[offset - FIRST_OFFSET] for offset in offsets if offset - FIRST_OFFSET in self.events]
        return Run(offsets[-1] + 1, found)

    async def between(self, topic: str, partition: int, begin: int, end: int, most: int) -> Run:
        assert (topic, partition) == (TOPIC, PARTITION)
        found = [one for one in self.events.values() if begin <= one.offset < end][: min(most, 4)]
        return Run(found[-1].offset + 1 if len(found) == 4 else end, found)

    async def log_ends(self) -> dict[int, int]:
        return self.log_ended_at

    async def log_has_read(self, ends: dict[int, int]) -> bool:
        return all(self.log_is_read_to >= end for end in ends.values())


def an_event(number: int) -> Record:
    at = int(NOON.timestamp() * 1000) - 60_000 * (100 - number)
    headers = tuple(Envelope(f"event-{number}", "pathway.completed", "test", NOON).headers())
    return Record(TOPIC, PARTITION, FIRST_OFFSET + number, at, b"p", b'{"n":%d}' % number, headers)


@pytest.fixture
async def db(migrated: str) -> AsyncIterator[Database]:
    made = Database(migrated, "dispatcher")
    await made.start()
    async with made.connection() as connection:
        await connection.execute("truncate endpoint, delivery, attempt, outbox, repair cascade")
    yield made
    await made.stop()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    made = Kafka()

    @asynccontextmanager
    async def reader(_: str) -> AsyncIterator[Kafka]:
        yield made

    monkeypatch.setattr(repair_step, "event_reader", reader)
    return made


@pytest.fixture
def step(db: Database, kafka: Kafka, clock: FakeClock) -> RepairStep:
    return RepairStep(
        db,
        "",
        Topics(),
        cast("Any", kafka),
        endpoint_lookup(an_endpoint_store(db), KEYRING),
        cast("Any", kafka),
        LogDays(db, timedelta(days=30), clock),
        clock,
    )


@pytest.fixture
def runner(db: Database, step: RepairStep, clock: FakeClock) -> RepairRunner:
    return RepairRunner(db, step, Topics(), clock)


async def begun(db: Database, wish: Wish, progress: dict[str, Any] | None = None) -> str:
    async with db.transaction() as connection:
        return (await add_repair(connection, wish, 0, progress or first_look(), "staff", NOON)).id


async def found(db: Database, repair_id: str) -> Repair:
    async with db.connection() as connection:
        return Repair.of(await connection.fetchrow("select * from repair where id = $1", repair_id))


async def run_to_its_end(runner: RepairRunner, clock: FakeClock, most: int = 30) -> int:
    """Do what is due, time going on; returns how many steps it took."""
    steps = 0
    for _ in range(most):
        steps += await runner.step()
        clock.advance(0.25)
    return steps


async def state_of(db: Database, delivery_id: str) -> tuple[str, int, int]:
    row, _ = await DeliveryStore(db).get(delivery_id)
    return row["status"], row["epoch"], row["attempts"]


async def claims(db: Database) -> list[Any]:
    async with db.connection() as connection:
        rows = await connection.fetch("select heads, bodies from outbox order by position")
    records = [one for row in rows for one in outbox.unpack(row["heads"], row["bodies"])]
    found = [one for one in records if one.topic == "dispatcher.repairs"]
    return [decode_claim((one.key or b"").decode(), one.value or b"") for one in found]


async def test_what_failed_is_written_in_order_and_the_log_says_that_it_is_tried_again(
    db: Database, kafka: Kafka, runner: RepairRunner, clock: FakeClock
) -> None:
    endpoint_id = await stored_endpoint(db)
    ids = await log_of(db, endpoint_id, FAILED, DELIVERED, HELD, RETRYING, FAILED)
    repair_id = await begun(db, Wish(RepairKind.RETRY_FAILED, Which.FAILED, endpoint_id))
    assert await run_to_its_end(runner, clock) == 2
    repair = await found(db, repair_id)
    assert (repair.state, repair.taken, repair.looked_at, repair.unreadable) == (RepairState.DONE, 3, 3, 0)
    assert repair.ended_at is not None
    assert [one.id for one in kafka.written] == [ids[0], ids[2], ids[4]]
    assert {(one.epoch, one.hop, one.attempt) for one in kafka.written} == {(repair.epoch, 0, 0)}
    assert await state_of(db, ids[0]) == ("retrying", repair.epoch, 0)
    assert await state_of(db, ids[3]) == ("retrying", 0, 1)
    assert await claims(db) == [], "what ended is in no tier"


class Killed(BaseException):
    """The process ends here."""


async def cut_off_before_it_is_saved(db: Database, step: RepairStep) -> None:
    """Do the step of the only repair, and end before its transaction does."""
    async with db.transaction() as connection:
        await step.do(connection, Repair.of(await connection.fetchrow("select * from repair for update")))
        raise Killed


async def test_a_step_that_was_cut_off_after_writing_is_done_again_with_the_same_ids_and_epoch(
    db: Database, kafka: Kafka, step: RepairStep, runner: RepairRunner, clock: FakeClock
) -> None:
    endpoint_id = await stored_endpoint(db)
    ids = await log_of(db, endpoint_id, FAILED, FAILED)
    repair_id = await begun(db, Wish(RepairKind.RETRY_FAILED, Which.FAILED, endpoint_id))
    with pytest.raises(Killed):
        await cut_off_before_it_is_saved(db, step)
    once = list(kafka.written)
    assert [one.id for one in once] == ids
    assert (await found(db, repair_id)).taken == 0
    assert (await state_of(db, ids[0]))[0] == "failed"
    # The worker has delivered one of them meanwhile, and the log has heard.
    await log_of(db, endpoint_id, DELIVERED, epoch=once[0].epoch)
    await run_to_its_end(runner, clock)
    again = kafka.written[len(once) :]
    assert [(one.id, one.epoch, one.hop) for one in again] == [(one.id, one.epoch, one.hop) for one in once[1:]]
    assert await state_of(db, ids[0]) == ("delivered", once[0].epoch, 1)


async def test_while_kafka_is_away_nothing_is_saved(
    db: Database, kafka: Kafka, runner: RepairRunner, clock: FakeClock
) -> None:
    endpoint_id = await stored_endpoint(db)
    ids = await log_of(db, endpoint_id, FAILED)
    repair_id = await begun(db, Wish(RepairKind.RETRY_FAILED, Which.FAILED, endpoint_id))
    kafka.fault = KafkaUnavailable("away")
    with pytest.raises(KafkaUnavailable):
        await runner.step()
    assert ((await found(db, repair_id)).state, (await state_of(db, ids[0]))[0]) == (RepairState.WAITING, "failed")
    kafka.fault = None
    await run_to_its_end(runner, clock)
    assert (await found(db, repair_id)).taken == 1


async def test_what_is_gone_or_too_large_is_told_of_and_stays_as_it_was(
    db: Database, kafka: Kafka, runner: RepairRunner, clock: FakeClock
) -> None:
    endpoint_id = await stored_endpoint(db)
    ids = await log_of(db, endpoint_id, FAILED, FAILED, FAILED)
    del kafka.events[0]
    kafka.too_large.add("event-1")
    repair_id = await begun(db, Wish(RepairKind.RETRY_FAILED, Which.FAILED, endpoint_id))
    await run_to_its_end(runner, clock)
    repair = await found(db, repair_id)
    assert (repair.state, repair.taken, repair.unreadable) == (RepairState.DONE, 1, 2)
    assert [(await state_of(db, one))[0] for one in ids] == ["failed", "failed", "retrying"]


async def test_of_a_care_flow_every_endpoint_gets_what_failed_unless_it_takes_nothing(
    db: Database, kafka: Kafka, runner: RepairRunner, clock: FakeClock
) -> None:
    one, other, closed = [await stored_endpoint(db, paused=paused) for paused in (False, False, True)]
    for endpoint_id in (one, other, closed):
        await log_of(db, endpoint_id, FAILED, FAILED)
    repair_id = await begun(db, Wish(RepairKind.RETRY_FAILED, Which.FAILED, care_flow_id=CARE_FLOWS[0]))
    await run_to_its_end(runner, clock)
    repair = await found(db, repair_id)
    assert (repair.taken, repair.skipped, repair.looked_at) == (2, 1, 3)
    assert {(sent.endpoint_id, sent.event_id) for sent in kafka.written} == {(one, "event-0"), (other, "event-0")}


async def test_a_repair_stops_when_its_endpoint_takes_nothing_any_more(
    db: Database, kafka: Kafka, runner: RepairRunner, clock: FakeClock
) -> None:
    endpoint_id = await stored_endpoint(db)
    await log_of(db, endpoint_id, FAILED)
    repair_id = await begun(db, Wish(RepairKind.RETRY_FAILED, Which.FAILED, endpoint_id))
    await an_endpoint_store(db).pause(endpoint_id, STAFF)
    assert await run_to_its_end(runner, clock) == 1
    repair = await found(db, repair_id)
    assert (repair.state, repair.reason, kafka.written) == (RepairState.STOPPED, "endpoint_paused", [])


async def test_a_resume_looks_again_in_a_new_epoch_until_nothing_more_can_have_been_held(
    db: Database, kafka: Kafka, runner: RepairRunner, clock: FakeClock
) -> None:
    endpoint_id = await stored_endpoint(db)
    ids = await log_of(db, endpoint_id, HELD, HELD)
    async with db.transaction() as connection:
        repair_id = (await resume_held(connection, endpoint_id, NOON)).id
    assert not await runner.step(), "workers are given a moment to hear of it"
    clock.advance(1)
    assert await runner.step()
    first = [one.epoch for one in kafka.written]
    # A worker that had not heard yet holds one of them again, in its new epoch; and its clock is behind.
    await log_of(db, endpoint_id, HELD, told_at=NOON - timedelta(seconds=30), epoch=first[0], attempt=0)
    await run_to_its_end(runner, clock, most=40)
    assert [one.id for one in kafka.written] == [*ids, ids[0]]
    assert kafka.written[2].epoch > first[0]
    assert (await found(db, repair_id)).state is RepairState.RUNNING, "the log has not been told all yet"
    kafka.log_is_read_to = 7
    await run_to_its_end(runner, clock, most=20)
    repair = await found(db, repair_id)
    assert (repair.state, repair.taken, repair.looked_at) == (RepairState.DONE, 3, 3)


async def test_a_replay_goes_through_its_events_in_steps_and_claims_what_it_has_written(
    db: Database, kafka: Kafka, runner: RepairRunner, clock: FakeClock
) -> None:
    endpoint_id = await stored_endpoint(db)
    ids = await log_of(db, endpoint_id, DELIVERED, RETRYING, FAILED)
    end = FIRST_OFFSET + 10
    repair_id = await begun(
        db,
        Wish(RepairKind.REPLAY, Which.ALL, endpoint_id, event_from=NOON - timedelta(days=1)),
        {"places": [(TOPIC, PARTITION, FIRST_OFFSET, FIRST_OFFSET, end)]},
    )
    assert await run_to_its_end(runner, clock) == 3
    repair = await found(db, repair_id)
    assert (repair.state, repair.taken, repair.looked_at, repair.claims) == (RepairState.DONE, 10, 10, True)
    assert [one.event_id for one in kafka.written] == [f"event-{number}" for number in range(10)]
    assert [one.replayed for one in kafka.written[:4]] == [True, True, True, False]
    grown = [claim.written[TOPIC][PARTITION] for claim in await claims(db)]
    assert grown == [(FIRST_OFFSET, FIRST_OFFSET + reached) for reached in (4, 8, 10)]
    assert [await state_of(db, one) for one in ids] == [("retrying", repair.epoch, 0)] * 3


async def test_one_that_is_still_tried_is_claimed_once_it_is_written(
    db: Database, kafka: Kafka, runner: RepairRunner, clock: FakeClock
) -> None:
    endpoint_id = await stored_endpoint(db)
    [delivery_id] = await log_of(db, endpoint_id, RETRYING)
    repair_id = await begun(db, Wish(RepairKind.RETRY_ONE, Which.ALL, endpoint_id, delivery_id=delivery_id))
    await run_to_its_end(runner, clock)
    repair = await found(db, repair_id)
    assert (repair.state, repair.taken, repair.claims) == (RepairState.DONE, 1, True)
    [claim] = await claims(db)
    assert not claim.covers(kafka.written[0]), "what the repair wrote itself"
    assert (claim.delivery_id, claim.epoch) == (delivery_id, repair.epoch)
    gone = await begun(db, Wish(RepairKind.RETRY_ONE, Which.ALL, endpoint_id, delivery_id=repair_id))
    await run_to_its_end(runner, clock)
    assert ((await found(db, gone)).state, (await found(db, gone)).taken) == (RepairState.DONE, 0)


async def test_a_step_rests_as_long_as_the_endpoint_s_rate_says(
    db: Database, kafka: Kafka, runner: RepairRunner, clock: FakeClock
) -> None:
    endpoint_id = await stored_endpoint(db, rate_per_s=2.0)
    await log_of(db, endpoint_id, *[FAILED] * 10)
    repair_id = await begun(db, Wish(RepairKind.RETRY_FAILED, Which.FAILED, endpoint_id))
    assert await runner.step()
    assert (await found(db, repair_id)).next_step_at == clock.now() + timedelta(seconds=5)
    assert not await runner.step()


@pytest.mark.parametrize("other", ["the same endpoint", "a care flow", "another endpoint"])
async def test_two_repairs_never_take_deliveries_of_one_endpoint_at_once(
    db: Database, kafka: Kafka, runner: RepairRunner, clock: FakeClock, other: str
) -> None:
    endpoint_id = await stored_endpoint(db)
    at_a_step = {"the same endpoint": endpoint_id, "a care flow": None, "another endpoint": await stored_endpoint(db)}
    await log_of(db, endpoint_id, FAILED, FAILED)
    repair_id = await begun(db, Wish(RepairKind.RETRY_FAILED, Which.FAILED, endpoint_id))
    taken = 2 if other == "another endpoint" else 0
    async with db.transaction() as connection:
        assert await connection.fetchval(QUERIES.take_turn, at_a_step[other])
        assert await runner.step()
        assert (len(kafka.written), (await found(db, repair_id)).taken) == (taken, taken)
        assert not await runner.step(), "it waits for a moment"
    await run_to_its_end(runner, clock)
    assert (await found(db, repair_id)).state is RepairState.DONE
    assert len(kafka.written) == 2


async def test_what_has_ended_is_forgotten_once_nothing_of_it_is_claimed(
    db: Database, runner: RepairRunner, clock: FakeClock
) -> None:
    endpoint_id = await stored_endpoint(db)
    wish = Wish(RepairKind.RETRY_FAILED, Which.FAILED, endpoint_id)
    ended = [await begun(db, wish) for _ in range(3)]
    await run_to_its_end(runner, clock)
    waits = await begun(db, wish)
    async with db.connection() as connection:
        await connection.execute("update repair set claims = true where id = $1", ended[2])
        assert await delete_repairs(connection, ended[0], 10) == 0, "none is so old"
        later = earliest_id(datetime.now(UTC) + timedelta(hours=1))
        assert await delete_repairs(connection, later, 1) == 1
        assert await delete_repairs(connection, later, 10) == 1
        left = await connection.fetch("select id from repair order by id")
    assert [str(row["id"]) for row in left] == [ended[2], waits]
