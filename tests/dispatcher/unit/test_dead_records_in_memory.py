"""Dead records are read, marked and sent back with what memory bears; Kafka and Postgres are played."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters import dead_records
from carewire_dispatcher.adapters.dead_records import DeadRecords
from carewire_dispatcher.adapters.event_reader import Run
from carewire_runtime.audit import Deed
from carewire_runtime.clock import FakeClock
from carewire_runtime.kafka.records import Record

SOURCE, REASON = "carewire.events", "not_a_cloudevent"
TOPICS = Topics(partitions=1)


def a_dead_record(offset: int) -> Record:
    told = {"reason": REASON, "topic": SOURCE, "partition": "0", "offset": str(offset)}
    headers = tuple((f"dead_{name}", value.encode()) for name, value in told.items())
    return Record(TOPICS.dispatcher_dead.name, 0, offset, 0, b"k", b"x" * 10, headers)


class World:
    """Kafka with ten dead records, and Postgres, where those of even offsets were marked before."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int | None]] = []
        self.deeds: list[Deed] = []

    @asynccontextmanager
    async def lend(self, *_: object) -> AsyncIterator["World"]:
        yield self

    transaction = lend

    async def between(self, _: str, __: int, begin: int, end: int, most: int) -> Run:
        assert most >= 10
        return Run(end, [a_dead_record(offset) for offset in range(begin, 10)])

    async def fetch(self, _: str, partitions: list[int], offsets: list[int], *__: object) -> list[dict[str, int]]:
        places = zip(partitions, offsets, strict=True)
        return [{"dead_partition": one, "dead_offset": offset} for one, offset in places if offset % 2]

    async def add(self, _: object, __: object, deeds: Sequence[Deed]) -> None:
        self.deeds += deeds

    async def send(self, topic: str, *, partition: int | None = None, **_: object) -> None:
        self.sent.append((topic, partition))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(dead_records, "event_reader", made.lend)
    return made


def dead(world: World) -> DeadRecords:
    played = cast("Any", world)
    return DeadRecords(played, "", TOPICS.dispatcher_dead, [SOURCE], played, played, FakeClock())


async def test_no_more_are_in_memory_than_it_bears_however_many_are_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_records, "RUN_BYTES", 25)
    assert await dead(world).redrive_all(REASON, (0, 0), 1000, cast("Any", None)) == (1, (0, 3))
    assert await dead(world).redrive_all(REASON, (0, 3), 1000, cast("Any", None)) == (2, (0, 6))


async def test_only_what_is_sent_back_is_on_record(world: World) -> None:
    assert await dead(world).redrive_all(REASON, (0, 0), 1000, cast("Any", None)) == (5, None)
    assert world.sent == [(SOURCE, 0)] * 5
    assert [one.subject_id for one in world.deeds] == ["0-1", "0-3", "0-5", "0-7", "0-9"]
