"""What was handed out to an endpoint is numbered once and told in heartbeats, whoever is killed in between."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import orjson
import pytest

from carewire_contracts import wire
from carewire_contracts.events.endpoint import EndpointHeartbeat
from carewire_contracts.gaps import unlisted
from carewire_contracts.receive import verify
from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters import heartbeats as module
from carewire_dispatcher.adapters.handed_out import delete_handed_out, number_handed_out
from carewire_dispatcher.adapters.heartbeats import Heartbeats
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.clock import FakeClock
from carewire_runtime.ids import derived_id, earliest_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.outbox import unpack
from carewire_runtime.postgres.pool import Database
from carewire_runtime.sealing import Keyring
from carewire_testing import eventually
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.receiver import Receiver
from carewire_testing_dispatcher.repairs import DELIVERED, NOON, RETRYING, log_of, stored_endpoint
from carewire_testing_dispatcher.service import Client
from carewire_testing_dispatcher.stores import KEYRING, STAFF, an_attempt_log, an_endpoint_store

MINUTE = timedelta(minutes=1)
FAST = Topics().deliveries("fast").name


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Database]:
    made = Database(dsn, "dispatcher")
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
async def db(migrated: str) -> AsyncIterator[Database]:
    async with opened(migrated) as made:
        async with made.connection() as connection:
            await connection.execute("truncate endpoint, delivery, attempt, outbox, handed_out cascade")
        yield made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


async def an_endpoint(db: Database, clock: FakeClock, **fields: Any) -> str:
    """One with a heartbeat a minute, the first of which is due now."""
    endpoint_id = await stored_endpoint(db, **{"heartbeat_s": 60} | fields)
    async with db.connection() as connection:
        await connection.execute("update heartbeat set next_at = $1", clock.now())
        await connection.execute("truncate outbox")
    return endpoint_id


def handed_out(endpoint_id: str, *numbers: int) -> list[LogEntry]:
    at = int(NOON.timestamp() * 1000)
    return [
        LogEntry.handed_out(
            a_delivery(
                id=derived_id("delivery", f"event-{number}", endpoint_id),
                endpoint_id=endpoint_id,
                event_id=f"event-{number}",
                event_at=at - 60_000,
            ),
            at,
        )
        for number in numbers
    ]


async def told(db: Database, clock: FakeClock, entries: Sequence[LogEntry]) -> None:
    """The log is told of entries, one batch."""
    records = [Record("dispatcher.attempts", 0, 0, 0, b"e", entry.encode(), ()) for entry in entries]
    await an_attempt_log(db, clock).handle(records)


async def undone(db: Database, clock: FakeClock, entries: Sequence[LogEntry]) -> None:
    """The log was told, and killed before it committed."""
    async with db.connection() as connection:
        undoing = connection.transaction()
        await undoing.start()
        await number_handed_out(connection, entries, clock.now())
        await undoing.rollback()


def the_heartbeats(db: Database, clock: FakeClock, keyring: Keyring = KEYRING) -> Heartbeats:
    return Heartbeats(db, an_endpoint_store(db, keyring), keyring, Topics(), "north-clinic", clock)


async def beaten(db: Database, clock: FakeClock) -> list[tuple[str, EndpointHeartbeat]]:
    """Send what is due; return it with the ids of the endpoints to which it goes."""
    one = the_heartbeats(db, clock)
    while await one.beat():
        pass
    async with db.connection() as connection:
        rows = await connection.fetch("delete from outbox returning id, heads, bodies")
    rows = sorted(rows, key=lambda row: row["id"])
    records = [record for row in rows for record in unpack(row["heads"], row["bodies"])]
    deliveries = [Delivery.of(one.key, one.value, one.headers) for one in records if one.topic == FAST]
    return [(one.endpoint_id, wire.decode(EndpointHeartbeat, one.body)) for one in deliveries]


def listed(heartbeat: EndpointHeartbeat) -> list[tuple[int, str]]:
    return [(event.sequence, event.id) for event in heartbeat.events]


async def test_each_heartbeat_lists_what_was_handed_out_since_the_one_before(db: Database, clock: FakeClock) -> None:
    endpoint_id = await an_endpoint(db, clock)
    await told(db, clock, handed_out(endpoint_id, 1, 2))
    [(to, first)] = await beaten(db, clock)
    assert (to, first.endpoint_id, first.tenant_id, first.date) == (endpoint_id, endpoint_id, "north-clinic", NOON)
    assert (first.after, first.through) == (0, 2)
    assert listed(first) == [(1, "event-1"), (2, "event-2")]
    assert first.events[0].date == NOON - MINUTE
    clock.advance(60)
    await told(db, clock, handed_out(endpoint_id, 3))
    [(_, second)] = await beaten(db, clock)
    assert (second.after, second.through, listed(second)) == (2, 3, [(3, "event-3")])


async def test_one_comes_each_interval_also_where_nothing_was_handed_out(db: Database, clock: FakeClock) -> None:
    await an_endpoint(db, clock)
    [(_, first)] = await beaten(db, clock)
    assert (first.after, first.through, first.events) == (0, 0, [])
    clock.advance(59)
    assert await beaten(db, clock) == []
    clock.advance(1)
    assert len(await beaten(db, clock)) == 1


async def test_what_one_cannot_list_is_listed_by_the_next_at_once(
    db: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_TOLD", 2)
    endpoint_id = await an_endpoint(db, clock)
    await told(db, clock, handed_out(endpoint_id, *range(5)))
    assert [(one.after, one.through) for _, one in await beaten(db, clock)] == [(0, 2), (2, 4), (4, 5)]


@pytest.mark.parametrize("seed", range(3))
async def test_each_event_has_one_number_without_a_gap_whatever_is_told_again_after_a_kill(
    db: Database, clock: FakeClock, seed: int
) -> None:
    """Batches end anywhere, come again from anywhere before, and some are undone before they are committed."""
    chance = random.Random(seed)
    here, there = await an_endpoint(db, clock), await an_endpoint(db, clock)
    log = [entry for number in range(30) for entry in handed_out(chance.choice((here, there)), number)]
    committed = 0
    while committed < len(log):
        batch = log[chance.randint(0, committed) : committed + chance.randint(1, 8)]
        if chance.random() < 0.3:
            await undone(db, clock, batch)
        else:
            await told(db, clock, batch)
            committed = max(committed, log.index(batch[-1]) + 1)
        if chance.random() < 0.3:
            clock.advance(60)
            await the_heartbeats(db, clock).beat()
    clock.advance(60)
    sent = await beaten(db, clock)
    for endpoint_id in (here, there):
        beats = [one for to, one in sent if to == endpoint_id]
        ids = [event.id for one in beats for event in one.events]
        assert sorted(ids) == sorted(entry.event_id for entry in log if entry.endpoint_id == endpoint_id)
        assert [number for one in beats for number, _ in listed(one)] == list(range(1, len(ids) + 1))
        assert unlisted(beats) == []


async def test_what_is_lost_with_a_heartbeat_is_seen_by_the_next(db: Database, clock: FakeClock) -> None:
    endpoint_id = await an_endpoint(db, clock)
    await told(db, clock, handed_out(endpoint_id, 1, 2))
    [_] = await beaten(db, clock)
    clock.advance(60)
    [(_, second)] = await beaten(db, clock)
    assert unlisted([second]) == [range(1, 3)]


async def test_attempts_ends_and_other_endpoints_have_no_numbers(db: Database, clock: FakeClock) -> None:
    endpoint_id = await an_endpoint(db, clock)
    without = await stored_endpoint(db)
    await log_of(db, endpoint_id, DELIVERED, RETRYING)
    await told(db, clock, [*handed_out(without, 1), *handed_out(derived_id("endpoint", "deleted"), 1)])
    [(_, heartbeat)] = await beaten(db, clock)
    assert heartbeat.events == []


async def test_what_is_handed_out_is_in_the_log_of_deliveries_once_somebody_tried_it(
    db: Database, clock: FakeClock
) -> None:
    """What a repair takes for missing must not depend on heartbeats."""
    endpoint_id = await an_endpoint(db, clock)
    await told(db, clock, handed_out(endpoint_id, 1))
    async with db.connection() as connection:
        assert await connection.fetchval("select count(*) from delivery") == 0


@pytest.mark.parametrize("verb", ["pause", "disable"])
async def test_an_endpoint_that_takes_nothing_is_told_once_it_does(db: Database, clock: FakeClock, verb: str) -> None:
    endpoint_id, store = await an_endpoint(db, clock), an_endpoint_store(db)
    await (store.pause if verb == "pause" else store.disable)(endpoint_id, STAFF)
    await told(db, clock, handed_out(endpoint_id, 1))
    assert await beaten(db, clock) == []
    await (store.resume if verb == "pause" else store.enable)(endpoint_id, STAFF)
    [(_, heartbeat)] = await beaten(db, clock)
    assert listed(heartbeat) == [(1, "event-1")]


async def test_they_end_when_nobody_asks_for_them_any_more_and_go_on_at_the_same_number(
    db: Database, clock: FakeClock
) -> None:
    endpoint_id, store = await an_endpoint(db, clock), an_endpoint_store(db)
    await told(db, clock, handed_out(endpoint_id, 1))
    [_] = await beaten(db, clock)
    await store.change(endpoint_id, {"heartbeat_s": None}, STAFF)
    clock.advance(3_600)
    assert await beaten(db, clock) == []
    await store.change(endpoint_id, {"heartbeat_s": 600}, STAFF)
    await told(db, clock, handed_out(endpoint_id, 2))
    [(_, heartbeat)] = await beaten(db, clock)
    assert listed(heartbeat) == [(2, "event-2")]


async def test_other_ones_begin_at_once(db: Database, clock: FakeClock) -> None:
    endpoint_id, store = await an_endpoint(db, clock), an_endpoint_store(db, clock=clock)
    for interval_s in (86_400, 60):
        await store.change(endpoint_id, {"heartbeat_s": interval_s}, STAFF)
        [_] = await beaten(db, clock)
        assert await beaten(db, clock) == []


async def test_what_was_forgotten_before_it_could_be_told_is_a_gap(db: Database, clock: FakeClock) -> None:
    endpoint_id = await an_endpoint(db, clock)
    await told(db, clock, handed_out(endpoint_id, 1, 2))
    clock.advance(60)
    await told(db, clock, handed_out(endpoint_id, 3))
    async with db.connection() as connection:
        assert await delete_handed_out(connection, earliest_id(clock.now()), 10) == 2
    [(_, heartbeat)] = await beaten(db, clock)
    assert (heartbeat.after, listed(heartbeat)) == (2, [(3, "event-3")])
    async with db.connection() as connection:
        assert await delete_handed_out(connection, earliest_id(clock.now() + MINUTE), 10) == 1
        await connection.execute("update heartbeat set told_through = 0")
    clock.advance(60)
    [(_, heartbeat)] = await beaten(db, clock)
    assert (heartbeat.after, heartbeat.through, unlisted([heartbeat])) == (3, 3, [range(1, 4)])


async def test_one_endpoint_that_cannot_be_opened_keeps_nobody_else_from_being_told(
    db: Database, clock: FakeClock
) -> None:
    await an_endpoint(db, clock)
    async with db.connection() as connection:
        await connection.execute("update heartbeat set next_at = $1", clock.now() - MINUTE)
    one = the_heartbeats(db, clock, Keyring.parse(Keyring.generate()))
    assert await one.beat()
    assert not await one.beat()


async def test_a_receiver_is_told_by_the_ordinary_way(
    settings: DispatcherSettings, dispatcher: Client, hooks: Receiver
) -> None:
    made = await dispatcher.create_endpoint(hooks.url("/beats"), heartbeat_s=60)
    event_id, _ = await dispatcher.publish()

    async def numbered() -> bool:
        """Have the next one due once the log knows what was handed out."""
        query = "update heartbeat set told_through = 0, next_at = now() where last_sequence > 0 returning 1"
        async with opened(settings.postgres_dsn) as db, db.connection() as connection:
            return await connection.fetchval(query) is not None

    await eventually(numbered, timeout=20)

    def beats() -> list[EndpointHeartbeat]:
        sent = [one for one in hooks.at("/beats") if orjson.loads(one.body)["event_type"] == "endpoint.heartbeat"]
        events = [verify(one.body, one.headers, made["secret"]).event for one in sent]
        return [one for one in events if isinstance(one, EndpointHeartbeat) and one.events]

    told_of, *_ = await eventually(beats, timeout=20)
    assert listed(told_of) == [(1, event_id)]
