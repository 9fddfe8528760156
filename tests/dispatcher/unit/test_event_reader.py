"""Events are read again by their places: those that are there, in runs, and never more of them than memory bears."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.adapters import event_reader
from carewire_dispatcher.adapters.event_reader import EventReader
from carewire_runtime.errors import KafkaUnavailable

TOPIC = "carewire.events"


class Consumer:
    """A consumer of one partition with records at some offsets; a fetch brings a few."""

    def __init__(self, offsets: list[int], begin: int = 0, end: int | None = None, size: int = 10) -> None:
        self.offsets = [offset for offset in offsets if offset >= begin]
        self.begin, self.size = begin, size
        self.end = (offsets[-1] + 1 if offsets else begin) if end is None else end
        self.at, self.fetches = 0, 0
        self.is_away = False

    def assign(self, places: list[TopicPartition]) -> None:
        assert places == [TopicPartition(TOPIC, 3)]

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self.begin)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self.end)

    def seek(self, _: TopicPartition, offset: int) -> None:
        self.at = offset

    async def position(self, _: TopicPartition) -> int:
        return self.at

    async def getmany(self, place: TopicPartition, *, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        assert timeout_ms > 0
        if self.is_away:
            return {}
        self.fetches += 1
        fetched = [offset for offset in self.offsets if offset >= self.at][:4]
        self.at = fetched[-1] + 1 if fetched else self.end
        records = [
            SimpleNamespace(
                topic=TOPIC, partition=3, offset=offset, timestamp=0, key=b"k", value=b"v" * self.size, headers=()
            )
            for offset in fetched
        ]
        return {place: records} if records else {}


def a_reader(consumer: Consumer) -> EventReader:
    return EventReader(cast("Any", consumer))


@given(
    st.sets(st.integers(0, 60), max_size=30),
    st.sets(st.integers(0, 80), min_size=1, max_size=20),
    st.integers(0, 30),
)
async def test_of_some_places_just_those_are_read_that_hold_a_record(
    there: set[int], asked: set[int], begin: int
) -> None:
    consumer = Consumer(sorted(there), begin, end=61)
    run = await a_reader(consumer).at(TOPIC, 3, sorted(asked))
    assert [record.offset for record in run.records] == sorted(offset for offset in asked & there if offset >= begin)
    assert run.read_to > max(asked)


async def test_far_apart_places_are_jumped_to_and_near_ones_read_over() -> None:
    consumer = Consumer(list(range(10_000)))
    run = await a_reader(consumer).at(TOPIC, 3, [5, 7, 9_000, 9_100])
    assert [record.offset for record in run.records] == [5, 7, 9_000, 9_100]
    assert consumer.fetches < 60


async def test_a_run_of_places_ends_where_memory_is_full_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_reader, "RUN_BYTES", 25)
    reader = a_reader(Consumer(list(range(50))))
    first = await reader.at(TOPIC, 3, [1, 2, 20, 30, 40])
    assert [record.offset for record in first.records] == [1, 2, 20]
    assert first.read_to == 21
    rest = await reader.at(TOPIC, 3, [30, 40])
    assert ([record.offset for record in rest.records], rest.read_to) == ([30, 40], 41)


@given(st.sets(st.integers(0, 60), max_size=30), st.integers(0, 60), st.integers(0, 70), st.integers(1, 8))
async def test_a_range_is_read_to_its_end_in_runs_without_gap_or_repeat(
    there: set[int], begin: int, end: int, most: int
) -> None:
    consumer = Consumer(sorted(there), end=61)
    reader = a_reader(consumer)
    seen: list[int] = []
    following, runs = begin, 0
    while following < end:
        run = await reader.between(TOPIC, 3, following, end, most)
        assert len(run.records) <= most
        assert run.read_to > following
        seen += [record.offset for record in run.records]
        following, runs = run.read_to, runs + 1
    assert seen == sorted(offset for offset in there if begin <= offset < end)
    assert runs <= len(seen) // most + 1


async def test_a_range_that_was_cut_begins_with_what_is_left() -> None:
    run = await a_reader(Consumer(list(range(30)), begin=12)).between(TOPIC, 3, 5, 20, 100)
    assert [record.offset for record in run.records] == list(range(12, 20))
    assert run.read_to == 20
    gone = await a_reader(Consumer(list(range(30)), begin=25)).between(TOPIC, 3, 5, 20, 100)
    assert (gone.records, gone.read_to) == ([], 20)


async def test_a_broker_that_is_away_is_not_waited_for_for_ever() -> None:
    consumer = Consumer(list(range(30)))
    consumer.is_away = True
    with pytest.raises(KafkaUnavailable):
        await a_reader(consumer).between(TOPIC, 3, 0, 20, 100)
    with pytest.raises(KafkaUnavailable):
        await a_reader(consumer).at(TOPIC, 3, [4])
