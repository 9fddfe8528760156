import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import orjson
import pytest

from carewire_dispatcher.adapters.attempt_log import AttemptLog, latest
from carewire_dispatcher.adapters.delivery_store import DeliveryStore
from carewire_dispatcher.adapters.instants import moment
from carewire_dispatcher.domain.classify import Answer, Failure, Retry, Verdict
from carewire_dispatcher.domain.delivery_filter import DeliveryFilter
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.exchange import KeptAnswer, SentRequest, sent_request
from carewire_dispatcher.domain.log_entry import LogEntry, Tried
from carewire_dispatcher.domain.schedule import Slot
from carewire_runtime.clock import FakeClock
from carewire_runtime.ids import derived_id, new_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.pool import Database
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.stores import an_attempt_log

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RETRY = Retry(Slot(1, 5_000))
DELIVERED = End(EndStatus.DELIVERED)
FAILED = End(EndStatus.FAILED, EndReason.EXHAUSTED)
HELD = End(EndStatus.HELD, EndReason.ENDPOINT_DISABLED)


def millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@pytest.fixture
async def db(migrated: str) -> AsyncIterator[Database]:
    made = Database(migrated, "dispatcher")
    await made.start()
    yield made
    await made.stop()


State = tuple[Verdict, int, int, int]
"""What came of a delivery, after how many attempts, in which epoch, how many milliseconds after noon."""
TRIED: list[Verdict] = [RETRY, DELIVERED, FAILED]
NOT_TRIED: list[Verdict] = [HELD]
ATTEMPTS = [*product(TRIED, [1, 2, 3]), *product(NOT_TRIED, [0, 1, 2])]
STATES: list[State] = [(*told, epoch, later) for told, epoch, later in product(ATTEMPTS, [0, 1], [0, 7])]


def a_state(event_id: str, verdict: Verdict, attempts: int, epoch: int, later: int) -> LogEntry:
    at = millis(NOON) + later
    delivery = a_delivery(
        id=derived_id("delivery", event_id),
        event_id=event_id,
        event_at=millis(NOON),
        attempt=attempts,
        epoch=epoch,
        first_attempt_at=millis(NOON) if attempts else None,
    )
    return LogEntry.of(delivery, verdict, at, None if verdict == HELD else Tried.of(new_id(), at, at, Answer(200)))


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


async def test_postgres_and_a_batch_agree_which_of_two_states_is_the_later_one(db: Database) -> None:
    pairs = {f"pair-{number}": pair for number, pair in enumerate(product(STATES, STATES))}
    log = a_log(db, FakeClock(NOON))
    for place in (0, 1):
        entries = [a_state(name, *pair[place]) for name, pair in pairs.items()]
        await log.handle([Record("dispatcher.attempts", 0, 0, 0, b"k", one.encode(), ()) for one in entries])
    async with db.connection() as connection:
        rows = await connection.fetch("select * from delivery where event_id like 'pair-%'")
    assert len(rows) == len(pairs)
    wrong = []
    for row in rows:
        first, second = (a_state(row["event_id"], *state) for state in pairs[row["event_id"]])
        [expected] = latest([first, second]) if second.supersedes(first) else [first]
        told = (row["epoch"], row["attempts"], row["status"], row["first_attempt_at"], row["updated_at"])
        first_attempt_at, updated_at = moment(expected.first_attempt_at), moment(expected.at)
        if told != (expected.epoch, expected.attempts, str(expected.status), first_attempt_at, updated_at):
            wrong.append((pairs[row["event_id"]], told))
    assert wrong == []


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


def an_attempt(
    event_id: str, result: Answer | Failure, attempt: int, at: datetime = NOON, epoch: int = 0, **kept: Any
) -> Record:
    """An attempt with what is kept of it."""
    tried = Tried.of(derived_id(event_id, str(attempt)), millis(at), millis(at) + 7, result, **kept)
    delivery = a_delivery(
        id=derived_id("delivery", event_id), event_id=event_id, event_at=millis(at), attempt=attempt, epoch=epoch
    )
    value = LogEntry.of(delivery, RETRY, millis(at) + attempt, tried).encode()
    return Record("dispatcher.attempts", 0, 0, 0, b"k", value, ())


def sent_to(url: str) -> SentRequest:
    return sent_request(url, (("X-Key", "canary"),), "thin", "cloudevents", "Carewire/0", (1, 1, False), ())


async def test_what_was_sent_and_answered_is_found_with_each_attempt(db: Database) -> None:
    log, sent = a_log(db, FakeClock(NOON)), sent_to("https://receiver.example/kept")
    answer = KeptAnswer({"server": "nginx"}, "sealed")
    in_full = an_attempt("kept", Answer(500), 1, request_id=sent.id, request=sent, answer=answer)
    by_id = an_attempt("kept", Failure.TIMEOUT, 2, request_id=sent.id)
    untold = an_attempt("kept", Answer(200), 3)
    for _ in range(2):
        await log.handle([in_full, by_id, untold])
    delivery, attempts = await read(db, "kept")
    assert [one["request_url"] for one in attempts] == [sent.url, sent.url, None]
    assert attempts[0]["request_headers"] == sent.headers
    assert [(one["answer_headers"], one["answer_body"]) for one in attempts] == [
        ({"server": "nginx"}, "sealed"),
        (None, None),
        (None, None),
    ]
    assert {one["endpoint_id"] for one in attempts} == {delivery["endpoint_id"]}
    assert "canary" not in str(attempts)


async def test_a_delivery_tells_what_its_last_attempt_came_to(db: Database) -> None:
    log = a_log(db, FakeClock(NOON))

    async def told() -> tuple[int | None, str | None]:
        delivery, _ = await read(db, "last")
        return delivery["status_code"], delivery["failure"]

    await log.handle([an_attempt("last", Answer(503), 1)])
    assert await told() == (503, None)
    await log.handle([an_attempt("last", Failure.TLS, 2)])
    assert await told() == (None, "tls")
    held = a_delivery(id=derived_id("delivery", "last"), event_id="last", event_at=millis(NOON), attempt=2)
    end = LogEntry.of(held, HELD, millis(NOON) + 9)
    await log.handle([Record("dispatcher.attempts", 0, 0, 0, b"k", end.encode(), ())])
    assert await told() == (None, "tls")
    await log.handle([an_attempt("last", Answer(422), 4, epoch=1)])
    assert await told() == (422, None)


async def test_what_was_sent_is_forgotten_with_the_attempts_that_sent_it(db: Database) -> None:
    clock = FakeClock(NOON + timedelta(days=100))
    log, old, going_on = a_log(db, clock), sent_to("https://old.example/"), sent_to("https://going-on.example/")

    async def known() -> set[str]:
        async with db.connection() as connection:
            rows = await connection.fetch("select url from sent_request")
        return {row["url"] for row in rows} & {old.url, going_on.url}

    tell = [
        an_attempt(f"of {one.url}", Answer(500), 1, clock.now(), request_id=one.id, request=one)
        for one in (old, going_on)
    ]
    await log.handle(tell)
    assert await known() == {old.url, going_on.url}
    clock.advance(timedelta(days=20).total_seconds())
    await log.handle([an_attempt("again", Answer(500), 1, clock.now(), request_id=going_on.id, request=going_on)])
    clock.advance(timedelta(days=12).total_seconds())
    await log.handle([an_attempt("later", Answer(500), 1, clock.now())])
    assert await known() == {going_on.url}
