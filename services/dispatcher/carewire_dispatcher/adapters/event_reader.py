"""Events read again from Kafka by their places, in runs, with bounded memory. It belongs to no group."""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_runtime.errors import KafkaUnavailable
from carewire_runtime.kafka.records import Record, record_of
from carewire_runtime.kafka.translation import translating

RUN_BYTES: Final = 4 * 1024 * 1024
"""Events in memory at a time."""
_FETCH_BYTES: Final = 256 * 1024
_NEAR: Final = 200
"""Offsets that are rather read over than jumped over: a jump costs a fetch."""
_POLL_MS: Final = 1_000
_MOST_EMPTY: Final = 10


@dataclass(slots=True)
class Run:
    """What was read of a partition, in order; what lies before `read_to` and is not among it is gone."""

    read_to: int
    records: list[Record] = field(default_factory=list)
    size: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it takes no more."""
        return self.size >= RUN_BYTES

    def take(self, raw: Any) -> None:
        """Keep a record."""
        self.records.append(record_of(raw))
        self.size += len(raw.value or b"")
        self.read_to = raw.offset + 1


class EventReader:
    """Reads one partition at a time."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def at(self, topic: str, partition: int, offsets: Sequence[int]) -> Run:
        """Read the records at some offsets, which grow. Raises KafkaError."""
        place = TopicPartition(topic, partition)
        run = Run(offsets[0])
        with translating():
            begin, end = await self._assign(place)
            wanted = deque(offset for offset in offsets if begin <= offset < end)
            async for fetched in self._fetch(place, wanted[0] if wanted else end, end):
                self._pick(run, wanted, fetched)
                if run.is_full or not wanted:
                    break
                if wanted[0] > fetched[-1].offset + _NEAR:
                    self._consumer.seek(place, wanted[0])
        if not run.is_full or not wanted:
            run.read_to = offsets[-1] + 1
        return run

    async def between(self, topic: str, partition: int, begin: int, end: int, most: int) -> Run:
        """Read at most so many records from `begin` on, and before `end`. Raises KafkaError."""
        place = TopicPartition(topic, partition)
        run = Run(begin)
        with translating():
            first, behind = await self._assign(place)
            async for fetched in self._fetch(place, max(begin, first), min(end, behind)):
                for raw in fetched:
                    if run.is_full or len(run.records) >= most:
                        return run
                    if raw.offset >= end:
                        break
                    run.take(raw)
                if run.read_to < end and (run.is_full or len(run.records) >= most):
                    return run
        run.read_to = end
        return run

    async def _assign(self, place: TopicPartition) -> tuple[int, int]:
        self._consumer.assign([place])
        begins, ends = await self._consumer.beginning_offsets([place]), await self._consumer.end_offsets([place])
        return begins[place], ends[place]

    async def _fetch(self, place: TopicPartition, begin: int, end: int) -> AsyncIterator[list[Any]]:
        """Go from `begin` to `end`, or from wherever was jumped to."""
        if begin >= end:
            return
        self._consumer.seek(place, begin)
        empty = 0
        while await self._consumer.position(place) < end:
            fetched = (await self._consumer.getmany(place, timeout_ms=_POLL_MS)).get(place, [])
            empty = 0 if fetched else empty + 1
            if empty >= _MOST_EMPTY:
                raise KafkaUnavailable("events cannot be read again now")
            if fetched:
                yield fetched

    @staticmethod
    def _pick(run: Run, wanted: deque[int], fetched: Iterable[Any]) -> None:
        for raw in fetched:
            if run.is_full:
                return
            while wanted and wanted[0] < raw.offset:
                wanted.popleft()
            if wanted and wanted[0] == raw.offset:
                wanted.popleft()
                run.take(raw)


@asynccontextmanager
async def event_reader(bootstrap: str) -> AsyncIterator[EventReader]:
    """Lend a reader. Raises KafkaError."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        client_id="carewire-dispatcher-repair",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
    )
    try:
        with translating():
            await consumer.start()
        yield EventReader(consumer)
    finally:
        await consumer.stop()
