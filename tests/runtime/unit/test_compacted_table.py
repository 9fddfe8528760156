"""The compacted table over a scripted consumer: whatever the history, it is the dictionary that the history makes."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from hypothesis import given
from hypothesis import strategies as st

import carewire_runtime.kafka.table as table_module
from carewire_runtime.clock import FakeClock
from carewire_runtime.kafka.table import CompactedTable
from carewire_testing_runtime.log import logged

TOPIC = "configuration"
PLACE = TopicPartition(TOPIC, 0)
Change = tuple[str, str | None]
"""A key and its new value; None deletes it."""


@dataclass(frozen=True)
class Fetched:
    """A record as the driver hands it out."""

    offset: int
    key: bytes | None
    value: bytes | None
    partition: int = 0


class Broker:
    """One partition, and the consumers that were made of it. `failures` are raised by the next polls."""

    def __init__(self, history: Iterable[Change] = ()) -> None:
        self.log: list[Fetched] = []
        self.news = asyncio.Event()
        self.failures: list[Exception] = []
        self.started = 0
        self.stopped = 0
        self.has_topic = True
        for change in history:
            self.append(*change)

    def append(self, key: str | None, value: str | None) -> None:
        written = Fetched(
            len(self.log), None if key is None else key.encode(), None if value is None else value.encode()
        )
        self.log.append(written)
        self.news.set()

    def forget_all(self) -> None:
        """What compaction and a recreated topic look like to a consumer that begins anew."""
        self.log.clear()

    def consumer(self, **_: Any) -> "Consumer":
        return Consumer(self)


class Consumer:
    """What the table uses of aiokafka's consumer."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._position = 0
        self._client = SimpleNamespace(add_topic=self._add_topic)
        self._coordinator = SimpleNamespace()
        self._fetcher = SimpleNamespace(error_future=asyncio.get_running_loop().create_future(), _fetcher_timeout=0.2)

    async def start(self) -> None:
        self._broker.started += 1

    async def stop(self) -> None:
        self._broker.stopped += 1

    async def _add_topic(self, topic: str) -> None:
        assert topic == TOPIC

    def partitions_for_topic(self, _: str) -> set[int] | None:
        return {0} if self._broker.has_topic else None

    async def end_offsets(self, _: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {PLACE: len(self._broker.log)}

    async def beginning_offsets(self, _: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {PLACE: 0}

    def assign(self, places: Sequence[TopicPartition]) -> None:
        assert list(places) == [PLACE]

    async def position(self, _: TopicPartition) -> int:
        return self._position

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Fetched]]:
        while True:
            if self._broker.failures:
                raise self._broker.failures.pop(0)
            if self._position < len(self._broker.log):
                # In small pieces, so that a load is made of several polls.
                piece = self._broker.log[self._position : self._position + 3]
                self._position += len(piece)
                return {PLACE: piece}
            self._broker.news.clear()
            await self._broker.news.wait()


def decode(_: str, value: bytes) -> str:
    """Refuse what is not configuration."""
    if value.startswith(b"canary"):
        raise ValueError(value.decode())
    return value.decode()


@asynccontextmanager
async def following(broker: Broker) -> AsyncIterator[tuple[CompactedTable[str], list[Change], FakeClock]]:
    """Run a table on a broker; what it told its listener, and the clock of its pauses."""
    clock, told, stop = FakeClock(), list[Change](), asyncio.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_module, "AIOKafkaConsumer", broker.consumer)
        table = CompactedTable("nowhere:9092", TOPIC, decode, clock)
        table.on_change(lambda key, value: told.append((key, value)))
        running = asyncio.create_task(table.run(stop))
        try:
            await settled()
            yield table, told, clock
        finally:
            stop.set()
            await running
    assert broker.stopped == broker.started, "no consumer is left behind"


async def settled() -> None:
    """Let the table take all that is there."""
    for _ in range(200):
        await asyncio.sleep(0)


def made_of(history: Iterable[Change]) -> dict[str, str]:
    """The dictionary that a history makes."""
    entries: dict[str, str] = {}
    for key, value in history:
        if value is None:
            entries.pop(key, None)
        else:
            entries[key] = value
    return entries


changes = st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.sampled_from("xyz"))), max_size=25)


@given(before=changes, after=changes)
async def test_it_is_the_dictionary_of_its_history_wherever_the_load_ended(
    before: list[Change], after: list[Change]
) -> None:
    broker = Broker(before)
    async with following(broker) as (table, told, _):
        assert table.loaded
        assert dict(table.items()) == made_of(before)
        for change in after:
            broker.append(*change)
        await settled()
        assert dict(table.items()) == made_of([*before, *after])
        assert made_of(told) == dict(table.items()), "listeners can keep a copy"
        assert len(table) == len(made_of([*before, *after]))


@given(before=changes, again=changes)
async def test_after_a_new_beginning_what_vanished_is_told_as_deleted(
    before: list[Change], again: list[Change]
) -> None:
    broker = Broker(before)
    async with following(broker) as (table, told, clock):
        broker.failures.append(KafkaConnectionError())
        broker.forget_all()
        for change in again:
            broker.append(*change)
        broker.news.set()
        await settled()
        await clock.run_for(1)
        await settled()
        assert broker.started == 2
        assert dict(table.items()) == made_of(again)
        assert made_of(told) == made_of(again)


async def test_a_load_shows_nothing_before_it_is_whole() -> None:
    broker = Broker([("a", "x"), ("a", None), ("b", "y")])
    async with following(broker) as (table, told, _):
        assert told == [("b", "y")]
        assert table.get("a") is None
        assert table.get("b") == "y"
        assert table.not_ready() is None


async def test_it_keeps_what_it_has_while_kafka_is_away() -> None:
    broker = Broker([("a", "x")])
    async with following(broker) as (table, _, clock):
        broker.failures += [KafkaConnectionError(), KafkaConnectionError()]
        broker.news.set()
        await settled()
        assert table.get("a") == "x"
        assert table.loaded
        await clock.run_for(2)
        await settled()
        broker.append("a", "y")
        await settled()
        assert table.get("a") == "y"


async def test_a_missing_topic_is_waited_for_and_said() -> None:
    broker = Broker([("a", "x")])
    broker.has_topic = False
    async with following(broker) as (table, _, clock):
        assert not table.loaded
        assert table.not_ready() == "configuration is not read to its end yet"
        broker.has_topic = True
        await clock.run_for(1)
        await settled()
        assert table.loaded


@pytest.mark.parametrize(("key", "value"), [("b", "canary-0099"), (None, "canary-0099")])
async def test_a_record_that_cannot_be_read_stops_no_other_and_is_not_shown(key: str | None, value: str) -> None:
    broker = Broker()
    broker.append("a", "x")
    broker.append(key, value)
    broker.append("c", "z")
    with logged() as lines:
        async with following(broker) as (table, _, _):
            assert dict(table.items()) == {"a": "x", "c": "z"}
    [line] = lines.of("table_record_undecodable")
    assert (line["topic"], line["offset"]) == (TOPIC, 1)
    assert "canary" not in lines.text


async def test_an_entry_that_becomes_unreadable_keeps_its_last_readable_value() -> None:
    broker = Broker([("a", "x"), ("a", "canary")])
    async with following(broker) as (table, told, _):
        broker.append("a", "canary")
        await settled()
        assert table.get("a") == "x"
        assert told == [("a", "x")]


async def test_who_waits_for_it_goes_on_when_it_is_loaded() -> None:
    broker = Broker([("a", "x")])
    broker.has_topic = False
    async with following(broker) as (table, _, clock):
        waiting = asyncio.create_task(table.ready())
        await settled()
        assert not waiting.done()
        broker.has_topic = True
        await clock.run_for(1)
        await waiting
