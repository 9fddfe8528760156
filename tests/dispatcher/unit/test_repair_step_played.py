"""A step of a resume whose deliveries Kafka does not take, and one of a replay; Kafka and Postgres are played."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from carewire_contracts.envelope import Envelope
from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters import repair_step
from carewire_dispatcher.adapters.event_reader import Run
from carewire_dispatcher.adapters.fresh_delivery import delivery_id_of
from carewire_dispatcher.adapters.repair_record import Repair
from carewire_dispatcher.adapters.repair_step import RepairStep
from carewire_dispatcher.adapters.repair_wish import first_look
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.repair import RepairKind, RepairState, Which
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import RecordTooLarge
from carewire_runtime.kafka.records import Record
from carewire_testing_dispatcher.deliveries import ENDPOINT_ID, a_delivery, an_endpoint

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOPIC, EVENT_ID = "carewire.events", "event-7"
ROW = {
    "id": delivery_id_of(EVENT_ID, ENDPOINT_ID),
    "endpoint_id": ENDPOINT_ID,
    "event_id": EVENT_ID,
    "event_type": "pathway.completed",
    "event_topic": TOPIC,
    "event_partition": 0,
    "event_offset": 7,
    "event_at": NOON,
    "epoch": 0,
    "attempts": 0,
    "status": "held",
}


class World:
    """Postgres, whose log holds one held delivery, and Kafka, which has its event but takes nothing of its size."""

    @asynccontextmanager
    async def lend(self, *_: object) -> AsyncIterator["World"]:
        yield self

    connection = lend

    async def fetch(self, *_: object) -> list[dict[str, Any]]:
        return [ROW]

    async def execute(self, *_: object) -> None:
        return None

    async def fetchval(self, *_: object) -> bool:
        return True  # nobody else is at a step

    async def at(self, topic: str, partition: int, offsets: Sequence[int]) -> Run:
        headers = tuple(Envelope(EVENT_ID, "pathway.completed", "test", NOON).headers())
        return Run(offsets[-1] + 1, [Record(topic, partition, 7, 0, b"p", b"{}", headers)])

    async def between(self, _: str, __: int, ___: int, end: int, ____: int) -> Run:
        return Run(end)

    async def enqueue_all(self, records: Sequence[Any]) -> list[asyncio.Future[Any]]:
        refused = [asyncio.get_running_loop().create_future() for _ in records]
        for one in refused:
            one.set_exception(RecordTooLarge("large"))
        return refused


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(repair_step, "event_reader", made.lend)
    return made


def a_step(world: World, endpoint: Endpoint) -> RepairStep:
    async def endpoint_of(_: str) -> Endpoint:
        return endpoint

    played = cast("Any", world)
    return RepairStep(played, "", Topics(), played, endpoint_of, played, played, FakeClock(NOON))


def a_repair(kind: RepairKind, which: Which, progress: dict[str, Any]) -> Repair:
    return Repair(
        id="r",
        kind=kind,
        which=which,
        endpoint_id=ENDPOINT_ID,
        care_flow_id=None,
        delivery_id=None,
        event_from=None,
        event_to=None,
        epoch=4,
        state=RepairState.WAITING,
        reason=None,
        total=1,
        looked_at=0,
        taken=0,
        skipped=0,
        unreadable=0,
        progress=progress,
        claims=False,
        next_step_at=NOON,
        created_by=None,
        created_at=NOON,
        ended_at=None,
    )


async def test_a_resume_does_not_look_again_for_what_kafka_does_not_take(world: World) -> None:
    repair = a_repair(RepairKind.RESUME, Which.HELD, first_look())
    await a_step(world, an_endpoint()).do(cast("Any", world), repair)
    assert (repair.taken, repair.unreadable, repair.progress["found"]) == (0, 1, 0)


async def test_a_replay_remembers_what_was_wanted_in_its_steps(world: World) -> None:
    repair = a_repair(RepairKind.REPLAY, Which.ALL, {"places": [(TOPIC, 0, 0, 0, 9)]})
    endpoint = an_endpoint(definition_ids=frozenset({"hip"}))
    await a_step(world, endpoint).do(cast("Any", world), repair)
    assert repair.progress == {"places": [(TOPIC, 0, 0, 9, 9)], "types": []}


def test_of_an_event_that_was_published_twice_the_log_is_told_of_the_first_as_by_the_worker_that_drops_the_copy() -> (
    None
):
    first, copy, other = a_delivery(event_at=1), a_delivery(event_at=2), a_delivery(id="0", event_at=3)
    assert repair_step._in_order([first, copy, other]) == [other, first]
