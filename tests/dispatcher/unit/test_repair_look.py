"""What one look of a repair takes, leaves alone, or finds to be gone. Kafka and the log are played."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from carewire_contracts.envelope import Envelope
from carewire_dispatcher.adapters import repair_look
from carewire_dispatcher.adapters.event_reader import EventReader, Run
from carewire_dispatcher.adapters.fresh_delivery import delivery_id_of
from carewire_dispatcher.adapters.repair_claim import claim_of, types_made_anew
from carewire_dispatcher.adapters.repair_look import Look, look_by_events, look_by_log
from carewire_dispatcher.adapters.repair_record import Repair
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.repair import RepairKind, RepairState, Which
from carewire_runtime.kafka.records import Record
from carewire_testing_dispatcher.deliveries import ENDPOINT_ID, a_delivery, an_endpoint

TOPIC, NOW, EPOCH = "carewire.events", 5_000, 4
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def an_event(offset: int, partition: int = 0, event_type: str = "pathway.completed", **changed: Any) -> Record:
    """A record of an event, whose id is told by its place."""
    headers = Envelope(f"event-{partition}-{offset}", event_type, "test", AT).headers()
    at = int(AT.timestamp() * 1000)
    fields: dict[str, Any] = {"value": b'{"n":%d}' % offset, "headers": tuple(headers)}
    return Record(topic=TOPIC, partition=partition, offset=offset, timestamp_ms=at, key=b"p", **fields | changed)


class Events:
    """A reader of some events; a run of it holds at most `most` of them."""

    def __init__(self, *records: Record, begin: int = 0, most: int = 100) -> None:
        self.records = [record for record in records if record.offset >= begin]
        self.most = most
        self.asked: list[tuple[int, Any]] = []

    async def at(self, topic: str, partition: int, offsets: Sequence[int]) -> Run:
        assert topic == TOPIC
        self.asked.append((partition, tuple(offsets)))
        found = [one for one in self.records if one.partition == partition and one.offset in offsets]
        if len(found) > self.most:
            found = found[: self.most]
            return Run(found[-1].offset + 1, found)
        return Run(offsets[-1] + 1, found)

    async def between(self, topic: str, partition: int, begin: int, end: int, most: int) -> Run:
        assert topic == TOPIC
        assert not Log.lent, "who waits for Kafka keeps no connection from others"
        found = [one for one in self.records if one.partition == partition and begin <= one.offset < end]
        found = found[: min(most, self.most)]
        return Run(found[-1].offset + 1 if len(found) == self.most else end, found)


class Log:
    """Rows that the log answers with."""

    lent = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Log"]:
        Log.lent += 1
        try:
            yield self
        finally:
            Log.lent -= 1

    def __init__(self, **known: tuple[str, int, int]) -> None:
        self.rows = [
            {
                "id": delivery_id_of(event.replace("_", "-"), ENDPOINT_ID),
                "status": status,
                "epoch": epoch,
                "attempts": n,
            }
            for event, (status, epoch, n) in known.items()
        ]

    async def fetch(self, _: str, ids: list[str], *__: object) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["id"] in ids]


def a_row(offset: int, partition: int = 0, endpoint_id: str = ENDPOINT_ID, **fields: Any) -> dict[str, Any]:
    event_id = f"event-{partition}-{offset}"
    return {
        "id": delivery_id_of(event_id, endpoint_id),
        "endpoint_id": endpoint_id,
        "event_id": event_id,
        "event_type": "pathway.completed",
        "event_topic": TOPIC,
        "event_partition": partition,
        "event_offset": offset,
        "event_at": AT,
        "epoch": 0,
        "attempts": 1,
        "status": "failed",
    } | fields


async def by_log(
    events: Events, rows: list[dict[str, Any]], endpoints: dict[str, Endpoint] | None = None
) -> tuple[Look, Any]:
    known = {ENDPOINT_ID: an_endpoint()} if endpoints is None else endpoints

    async def endpoint_of(endpoint_id: str) -> Endpoint | None:
        return known.get(endpoint_id)

    return await look_by_log(cast("EventReader", events), endpoint_of, rows, EPOCH, NOW)


async def test_deliveries_are_made_anew_of_their_events_in_one_run_a_partition() -> None:
    events = Events(*(an_event(offset, partition) for partition in (0, 1) for offset in range(9)))
    rows = [a_row(2), a_row(5, attempts=0), a_row(7, epoch=3, attempts=0), a_row(1, 1)]
    look, cursor = await by_log(events, rows)
    assert events.asked == [(0, (2, 5, 7)), (1, (1,))]
    assert [one.id for one in look.taken] == [row["id"] for row in rows]
    assert [one.replayed for one in look.taken] == [True, False, True, True]
    assert {(one.epoch, one.hop, one.attempt, one.first_attempt_at, one.due_at) for one in look.taken} == {
        (EPOCH, 0, 0, None, NOW)
    }
    assert look.taken[0].body == b'{"n":2}'
    assert (look.looked_at, look.skipped, look.unreadable) == (4, 0, 0)
    assert cursor == (TOPIC, 1, 1, rows[-1]["id"])


async def test_an_event_that_is_gone_or_another_s_is_told_of_and_the_rest_goes_on() -> None:
    other = an_event(3, headers=tuple(Envelope("another", "pathway.completed", "test", AT).headers()))
    look, _ = await by_log(Events(an_event(1), other, an_event(4), begin=2), [a_row(1), a_row(3), a_row(4)])
    assert (len(look.taken), look.unreadable, look.looked_at) == (1, 2, 3)


@pytest.mark.parametrize(
    "endpoint", [None, an_endpoint(enabled=False), an_endpoint(paused=True)], ids=["gone", "disabled", "paused"]
)
async def test_what_belongs_to_an_endpoint_that_takes_nothing_is_left_alone(endpoint: Endpoint | None) -> None:
    other = "0190f5d2-8a10-7cc1-9d2b-64d1d0c3a002"
    endpoints = {ENDPOINT_ID: an_endpoint()} | ({} if endpoint is None else {other: endpoint})
    events = Events(an_event(1), an_event(2))
    look, cursor = await by_log(events, [a_row(1, endpoint_id=other), a_row(2), a_row(2, endpoint_id=other)], endpoints)
    assert ([one.endpoint_id for one in look.taken], look.skipped) == ([ENDPOINT_ID], 2)
    assert cursor is not None
    assert cursor[2] == 2


async def test_a_look_goes_only_as_far_as_memory_bears() -> None:
    events = Events(*(an_event(offset) for offset in range(9)), most=2)
    rows = [a_row(offset) for offset in (1, 3, 5)]
    look, cursor = await by_log(events, rows)
    assert (len(look.taken), cursor) == (2, (TOPIC, 0, 3, rows[1]["id"]))


async def test_it_ends_after_a_partition_once_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair_look, "RUN_BYTES", 1)
    events = Events(an_event(1), an_event(1, 1))
    look, cursor = await by_log(events, [a_row(1), a_row(1, 1)])
    assert (len(look.taken), cursor and cursor[1]) == (1, 0)


async def by_events(
    events: Events, log: Log, which: Which, places: list[Any], endpoint: Endpoint | None = None
) -> tuple[Look, list[Any]]:
    return await look_by_events(
        cast("Any", log), cast("EventReader", events), endpoint or an_endpoint(), which, places, EPOCH, NOW
    )


KNOWN = Log(
    event_0_0=("delivered", 0, 1),
    event_0_1=("retrying", 0, 2),
    event_0_2=("failed", 0, 17),
    event_0_3=("held", 0, 0),
    event_0_5=("failed", EPOCH, 1),
    event_0_6=("delivered", EPOCH + 1, 1),
)
EVENTS = Events(*(an_event(offset) for offset in range(8)))
ALL_OF_IT = [(TOPIC, 0, 0, 0, 8)]


@pytest.mark.parametrize(("which", "taken"), [(Which.MISSING, [2, 3, 4, 7]), (Which.ALL, [0, 1, 2, 3, 4, 7])], ids=str)
async def test_of_a_range_what_was_asked_for_is_taken_and_nothing_of_this_epoch_or_a_newer_one(
    which: Which, taken: list[int]
) -> None:
    look, after = await by_events(EVENTS, KNOWN, which, ALL_OF_IT)
    assert [one.event.offset for one in look.taken] == taken
    assert [one.event.offset for one in look.taken if one.replayed] == [o for o in taken if o not in (3, 4, 7)]
    assert (look.looked_at, look.skipped) == (8, 8 - len(taken))
    assert after == [(TOPIC, 0, 0, 8, 8)]


async def test_what_nobody_could_read_or_the_endpoint_does_not_want_is_passed_over() -> None:
    events = Events(
        an_event(0, event_type="track.started"),
        an_event(1, headers=()),
        an_event(2, value=None),
        an_event(3),
        an_event(4, value=b"{"),
    )
    choosy = an_endpoint(event_types=frozenset({"pathway.completed"}), definition_ids=frozenset({"hip"}))
    plain = an_endpoint(event_types=frozenset({"pathway.completed"}))
    for endpoint, taken in ((plain, [3, 4]), (choosy, [])):
        look, _ = await by_events(events, Log(), Which.ALL, [(TOPIC, 0, 0, 0, 5)], endpoint)
        assert [one.event.offset for one in look.taken] == taken


async def test_places_are_gone_through_one_after_the_other_until_enough_is_looked_at() -> None:
    events = Events(*(an_event(offset, partition) for partition in (0, 1) for offset in range(6)), begin=2, most=3)
    places: list[Any] = [(TOPIC, 2, 9, 9, 9), (TOPIC, 0, 0, 0, 6), (TOPIC, 1, 1, 4, 6)]
    look, after = await by_events(events, Log(), Which.ALL, places)
    assert after == [(TOPIC, 2, 9, 9, 9), (TOPIC, 0, 0, 5, 6), (TOPIC, 1, 1, 6, 6)]
    assert (len(look.taken), look.unreadable, look.looked_at) == (5, 2, 7)


async def test_a_full_look_leaves_the_other_places_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair_look, "EVENTS_AT_ONCE", 2)
    events = Events(*(an_event(offset, partition) for partition in (0, 1) for offset in range(2)))
    places: list[Any] = [(TOPIC, 0, 0, 0, 2), (TOPIC, 1, 0, 0, 2)]
    look, after = await by_events(events, Log(), Which.ALL, places)
    assert (len(look.taken), after) == (2, [(TOPIC, 0, 0, 2, 2), (TOPIC, 1, 0, 0, 2)])


async def test_a_delivery_that_cannot_be_made_is_told_of() -> None:
    endpoint = an_endpoint(payload="thin")
    broken = an_event(1, value=b"[]")
    look, _ = await by_events(Events(broken), Log(), Which.ALL, [(TOPIC, 0, 1, 1, 2)], endpoint)
    assert (look.taken, look.unreadable) == ([], 1)


def a_repair(**fields: Any) -> Repair:
    defaults: dict[str, Any] = {
        "id": "r",
        "kind": RepairKind.REPLAY,
        "which": Which.ALL,
        "endpoint_id": ENDPOINT_ID,
        "care_flow_id": None,
        "delivery_id": None,
        "event_from": datetime.fromtimestamp(998, UTC),
        "event_to": None,
        "epoch": EPOCH,
        "state": RepairState.RUNNING,
        "reason": None,
        "total": 0,
        "looked_at": 0,
        "taken": 0,
        "skipped": 0,
        "unreadable": 0,
        "progress": {"places": [(TOPIC, 1, 40, 45, 50)]},
        "claims": False,
        "next_step_at": AT,
        "created_by": None,
        "created_at": AT,
        "ended_at": None,
    }
    return Repair(**defaults | fields)


@pytest.mark.parametrize(
    ("repair", "endpoint", "covered"),
    [
        pytest.param({}, an_endpoint(), True, id="all of a range"),
        pytest.param({"which": Which.MISSING}, an_endpoint(), True, id="what is missing, never tried"),
        pytest.param({"event_from": None}, an_endpoint(), True, id="from the first event on"),
        pytest.param({"event_to": datetime.fromtimestamp(999, UTC)}, an_endpoint(), False, id="up to just before it"),
        pytest.param({"progress": {"places": [(TOPIC, 1, 40, 42, 50)]}}, an_endpoint(), False, id="not that far yet"),
        pytest.param({}, an_endpoint(event_types=frozenset({"track.started"})), False, id="an unwanted type"),
        pytest.param({}, an_endpoint(definition_ids=frozenset({"hip"})), None, id="bodies decide what is wanted"),
        pytest.param({"unreadable": 1}, an_endpoint(), None, id="something could not be made anew"),
        pytest.param({"endpoint_id": None}, None, None, id="no endpoint of its own"),
        pytest.param({}, None, None, id="an endpoint that is gone"),
        pytest.param({"delivery_id": a_delivery().id}, None, True, id="one delivery"),
    ],
)
def test_a_repair_claims_what_it_has_made_anew_and_nothing_else(
    repair: dict[str, Any], endpoint: Endpoint | None, covered: bool | None
) -> None:
    claim = claim_of(a_repair(**repair), endpoint)
    assert (None if claim is None else claim.covers(a_delivery())) is covered


@pytest.mark.parametrize(
    "meanwhile",
    [an_endpoint(event_types=frozenset({"track.started"})), an_endpoint(definition_ids=frozenset({"hip"}))],
    ids=["another type", "a definition"],
)
def test_a_repair_does_not_claim_what_its_endpoint_did_not_want_for_a_while(meanwhile: Endpoint) -> None:
    repair = a_repair()
    repair.progress["types"] = types_made_anew(repair, meanwhile)
    claim = claim_of(repair, an_endpoint())
    assert claim is None or not claim.covers(a_delivery())


def test_a_repair_that_leaves_alone_what_is_tried_says_so() -> None:
    claim = claim_of(a_repair(which=Which.MISSING), an_endpoint())
    assert claim is not None
    assert not claim.covers(a_delivery(first_attempt_at=1, attempt=1))
