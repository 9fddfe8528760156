"""A batch of requests from the topic to its end, with everything around the consumer played by the test."""

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from carewire_contracts.envelope import header
from carewire_contracts.identifiers import Identifier
from carewire_contracts.requests import AcceptedRequest
from carewire_contracts.statuses import FailureReason, SkipReason
from carewire_contracts.topics import Topics
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.request_consumer import RequestConsumer
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.starts import Before, Wake
from carewire_orchestrator.domain.request_outcome import AlreadyEnded, Duplicate, Failed
from carewire_orchestrator.domain.starting import Call, Outcome, Skipped
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import KafkaUnavailable, PostgresUnavailable, ProducerFatal, StatementFailed
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.outbox import OutboxRecord, OutboxRow
from carewire_runtime.sealing import Keyring
from carewire_testing_orchestrator.calls import accepted, mrn
from carewire_testing_runtime.log import logged

APPENDED = datetime(2026, 3, 2, 8, 15, 30, 120_000, tzinfo=UTC)
KEYRING = Keyring.parse(f"k1:{base64.b64encode(bytes(32)).decode()}")
BEGAN = "2026-03-02T08:15:30.000Z"
"""What the consumer's clock says when a batch comes."""
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


class Scene:
    """Stands for producer, store and relay, and remembers what they were asked to do."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.told: list[dict[str, Any]] = []
        self.told_with_the_end: list[dict[str, Any]] = []
        self.ids: list[str | None] = []
        self.dead: list[bytes | None] = []
        self.outcomes: list[Outcome] = []
        self.batches: list[Sequence[Call]] = []
        self.wakes = 0
        self.faults_of_kafka: list[Exception] = []
        self.faults_of_postgres: list[Exception] = []
        self.seconds_of_postgres = self.seconds_of_commit = 0.0
        self.consumer = RequestConsumer(
            self,  # type: ignore[arg-type]
            Identities(KEYRING),
            Publishing(Topics("", 2), "tests"),
            self,  # type: ignore[arg-type]
            self,  # type: ignore[arg-type]
            self.clock,
        )

    async def enqueue_all(self, records: Sequence[OutboxRecord]) -> list[asyncio.Future[None]]:
        if self.faults_of_kafka:
            raise self.faults_of_kafka.pop(0)
        self.told += self._read(records)
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return [acknowledged for _ in records]

    def _read(self, records: Sequence[OutboxRecord]) -> list[dict[str, Any]]:
        self.ids += [header(one.headers, "ce_id") for one in records]
        return [orjson.loads(one.value or b"") for one in records]

    async def send(self, _topic: str, *, value: bytes | None, **_: object) -> None:
        self.dead.append(value)

    async def end(self, calls: Sequence[Call], _now: datetime, wake: Wake, before: Before) -> list[Outcome]:
        if self.faults_of_postgres:
            raise self.faults_of_postgres.pop(0)
        if self.seconds_of_postgres:
            await self.clock.sleep(self.seconds_of_postgres)
        self.told_with_the_end += self._read([record for call in calls for record in before(call)])
        if self.seconds_of_commit:
            await self.clock.sleep(self.seconds_of_commit)
        self.batches.append(calls)
        wake([])
        return self.outcomes or [AlreadyEnded() for _ in calls]

    def wake(self, _rows: Sequence[OutboxRow] = ()) -> None:
        self.wakes += 1

    async def take(self, *values: bytes | None, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
        stamp = int(APPENDED.timestamp() * 1000)
        records = [Record("requests", 0, n, stamp, b"k", value, headers) for n, value in enumerate(values)]
        handling = asyncio.create_task(self.consumer.handle(records))
        while not handling.done():
            await asyncio.sleep(0)
            await self.clock.run_for(0.01)
        await handling


@pytest.fixture
def scene() -> Scene:
    return Scene()


def statuses(told: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["request_id"], one["status"]) for one in told]


def taken(requests: Sequence[AcceptedRequest]) -> list[tuple[str, str]]:
    return [(one.request_id, status) for one in requests for status in ("SCHEDULED", "PROCESSING")]


def request(*identifiers: Identifier) -> AcceptedRequest:
    return accepted("definition", "release", identifiers=identifiers)


SOON, LATE = 0.45, 0.6


@pytest.mark.parametrize("seconds", [pytest.param(0, id="at once"), pytest.param(SOON, id="within a moment")])
async def test_every_request_is_told_with_its_end_as_scheduled_when_appended_and_as_processed_since(
    scene: Scene, seconds: float
) -> None:
    scene.seconds_of_postgres = seconds
    requests = [request(), request()]
    await scene.take(*(one.encode() for one in requests))
    assert statuses(scene.told_with_the_end) == taken(requests)
    assert [one["date"] for one in scene.told_with_the_end[:2]] == ["2026-03-02T08:15:30.120Z", BEGAN]
    assert scene.told == []


async def test_where_the_end_takes_long_that_is_told_ahead_and_not_again(scene: Scene) -> None:
    scene.seconds_of_postgres = LATE
    requests = [request(), request()]
    await scene.take(*(one.encode() for one in requests))
    assert statuses(scene.told) == taken(requests)
    assert [one["date"] for one in scene.told[:2]] == ["2026-03-02T08:15:30.120Z", BEGAN]
    assert scene.told_with_the_end == []


async def test_while_a_batch_is_only_being_committed_nothing_is_told_ahead(scene: Scene) -> None:
    scene.seconds_of_commit = 0.95
    await scene.take(request().encode())
    assert (scene.told, len(scene.told_with_the_end)) == ([], 2)


async def test_a_commit_that_takes_very_long_does_not_keep_it_secret(scene: Scene) -> None:
    scene.seconds_of_commit = 2.0
    one = request()
    await scene.take(one.encode())
    assert scene.told == scene.told_with_the_end
    assert statuses(scene.told) == taken([one])
    assert scene.ids[:2] == scene.ids[2:], "a repeat is recognised"


async def test_what_is_told_has_the_same_id_ahead_and_with_the_end() -> None:
    one, ids = request(), []
    for seconds in (0.0, LATE):
        scene = Scene()
        scene.seconds_of_postgres = seconds
        await scene.take(one.encode())
        ids.append(scene.ids)
    assert ids[0] == ids[1]


async def test_a_batch_is_not_finished_before_what_is_told_ahead_is_acknowledged(scene: Scene) -> None:
    scene.seconds_of_postgres, scene.faults_of_kafka = LATE, [KafkaUnavailable() for _ in range(5)]
    await scene.take(request().encode())
    assert (len(scene.batches), len(scene.told)) == (1, 2)


async def test_a_producer_that_failed_for_good_ends_the_batch_while_postgres_is_away(scene: Scene) -> None:
    scene.faults_of_postgres = [PostgresUnavailable() for _ in range(100)]
    scene.faults_of_kafka = [ProducerFatal("gone")]
    with pytest.raises(ExceptionGroup) as caught:
        await scene.take(request().encode())
    assert caught.group_contains(ProducerFatal)
    assert scene.batches == []


async def test_a_batch_is_ended_together_and_the_relay_woken_once(scene: Scene) -> None:
    requests = [request() for _ in range(5)]
    await scene.take(*(one.encode() for one in requests), headers=(("traceparent", TRACE.encode()),))
    [batch] = scene.batches
    assert [call.request for call in batch] == [
        replace(one, received_at=c.request.received_at, expires_at=c.request.expires_at)
        for one, c in zip(requests, batch, strict=True)
    ]
    assert {call.appended_at for call in batch} == {APPENDED}
    assert {call.traceparent for call in batch} == {TRACE}
    ids = [new for call in batch for new in (call.care_flow_id, call.patient_id)]
    assert len(set(ids)) == len(ids), "whatever is made gets an id of its own"
    assert scene.wakes == 1


async def test_how_each_request_ended_is_logged_on_a_line_of_its_own(scene: Scene) -> None:
    scene.outcomes = [
        Duplicate("first", "one", "patient"),
        Skipped("another", "patient", SkipReason.ACTIVE_CARE_FLOW, (), ()),
        Failed(FailureReason.RELEASE_NOT_FOUND),
        AlreadyEnded(),
    ]
    requests = [request() for _ in scene.outcomes]
    with logged() as lines:
        await scene.take(*(one.encode() for one in requests))
    ended = [{"request_id": one.request_id, "start_key": one.start_key} for one in requests]
    said = [
        {"status": "SUCCESS", "care_flow_id": "one", "duplicate_of": "first"},
        {"status": "SUCCESS", "care_flow_id": "another", "reason": "active_care_flow"},
        {"status": "FAILED", "reason": "release_not_found"},
    ]
    told = lines.of("request_ended")
    assert [one | named | how for one, named, how in zip(told, ended[:3], said, strict=True)] == told
    assert [line["request_id"] for line in lines.of("request_had_ended")] == [requests[3].request_id]


async def test_identifiers_are_compared_by_fingerprints_that_hold_no_value(scene: Scene) -> None:
    await scene.take(request(mrn(" canary ")).encode(), request(mrn("canary")).encode(), request(mrn("other")).encode())
    prints = [call.fingerprints for call in scene.batches[0]]
    assert prints[0] == prints[1] != prints[2]
    assert b"canary" not in prints[0][0][1]


def _with(**changes: object) -> bytes:
    return orjson.dumps(orjson.loads(request().encode()) | changes)


POISON: dict[str, Callable[[], bytes | None]] = {
    "nothing": lambda: None,
    "no JSON": lambda: b"\xff",
    "a list": lambda: b"[]",
    "an empty object": lambda: b"{}",
    "a number for an id": lambda: _with(request_id=7),
    "no start key": lambda: _with(start_key=None),
    "a NUL in the start key": lambda: _with(start_key="a\x00b"),
    "a NUL in an id": lambda: _with(webhook_id="\x00"),
    "a number for the release": lambda: _with(release_id=1),
    "a NUL in an identifier": lambda: _with(identifiers=[{"system": "s", "value": "\x00"}]),
    "a number for an identifier": lambda: _with(identifiers=[{"system": "s", "value": 7}]),
    "a NUL in a data point's id": lambda: _with(
        data_points=[{"data_point_definition_id": "\x00", "value_type": "number", "value": 1}]
    ),
    "a number in a profile": lambda: _with(profile={"email": 7}),
    "a profile that is a list": lambda: _with(profile=["email"]),
    "a guard that there is none of": lambda: _with(enrolment_guard="ask_the_nurse"),
    "a digest that is none": lambda: _with(body_digest=["x"]),
    "a time without a zone": lambda: _with(expires_at="2026-03-02T08:15:30"),
}


@pytest.mark.parametrize("name", POISON)
async def test_what_is_no_request_is_set_aside_as_it_is_and_its_neighbours_go_on(scene: Scene, name: str) -> None:
    poison, sound = POISON[name](), request()
    await scene.take(poison, sound.encode())
    assert scene.dead == [poison]
    assert [call.request.request_id for call in scene.batches[0]] == [sound.request_id]


async def test_a_batch_of_nothing_but_poison_asks_nothing_of_postgres(scene: Scene) -> None:
    await scene.take(b"{}", b"[]")
    assert (scene.dead, scene.batches, scene.told, scene.wakes) == ([b"{}", b"[]"], [], [], 0)


async def test_what_passes_is_waited_out_where_it_stands(scene: Scene) -> None:
    scene.faults_of_postgres = [PostgresUnavailable("40P01"), PostgresUnavailable(), PostgresUnavailable()]
    scene.faults_of_kafka = [KafkaUnavailable()]
    await scene.take(request().encode())
    assert len(scene.batches) == 1
    assert [one["status"] for one in scene.told] == ["SCHEDULED", "PROCESSING"]
    assert scene.wakes == 1


async def test_what_does_not_pass_leaves_the_batch_unfinished(scene: Scene) -> None:
    scene.faults_of_postgres = [StatementFailed("42P01")]
    with pytest.raises(ExceptionGroup) as caught:
        await scene.take(request().encode())
    assert caught.group_contains(StatementFailed)
    assert scene.wakes == 0
