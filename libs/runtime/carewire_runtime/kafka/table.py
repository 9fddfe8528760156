"""A compacted topic as a dictionary that follows it: how configuration reaches every replica.

At the start the topic is read to the end that it had then, and only after that the table is ready; from then
on each change is applied as it arrives. The table survives broker outages: it keeps what it has, and when its
consumer had to be made anew it is read again from the beginning, with entries that vanished meanwhile removed.
"""

import asyncio
from collections.abc import Callable, ItemsView, Iterable
from typing import Any, Final, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_runtime.clock import Clock, SystemClock
from carewire_runtime.errors import KafkaUnavailable
from carewire_runtime.kafka.background import raise_if_deaf, rest_while_idle
from carewire_runtime.kafka.translation import translating
from carewire_runtime.retry import retry_in_place
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

T = TypeVar("T")

Decode = Callable[[str, bytes], T]
"""Makes an entry of a record's key and value; raises ValueError for what it cannot read."""

_POLL_MS: Final = 5_000
"""How long one poll waits for news; news end it at once. So it bounds only how soon a deaf consumer is noticed."""
_FETCH_MAX_WAIT_MS: Final = 5_000
"""How long the broker waits for news: an idle table costs one fetch in so long."""
_REQUEST_TIMEOUT_MS: Final = 10_000

_log = logger("table")


class CompactedTable(Generic[T]):
    """The latest value of each key of a compacted topic, decoded."""

    def __init__(self, bootstrap: str, topic: str, decode: Decode[T], clock: Clock | None = None) -> None:
        self.name = f"table {topic}"
        self._bootstrap = bootstrap
        self._topic = topic
        self._decode = decode
        self._clock = clock or SystemClock()
        self._entries: dict[str, T] = {}
        self._loaded = asyncio.Event()
        self._listeners: list[Callable[[str, T | None], None]] = []

    @property
    def loaded(self) -> bool:
        """Whether the topic has been read to the end that it had at the start."""
        return self._loaded.is_set()

    async def ready(self) -> None:
        """Wait until the table is loaded."""
        await self._loaded.wait()

    def get(self, key: str) -> T | None:
        """Return the entry of a key."""
        return self._entries.get(key)

    def items(self) -> ItemsView[str, T]:
        """Return all entries."""
        return self._entries.items()

    def __len__(self) -> int:
        return len(self._entries)

    def on_change(self, listener: Callable[[str, T | None], None]) -> None:
        """Have `listener` called with each key that changes and its new entry, None when it is deleted.

        It is called for every entry of the first load too, before `loaded`. It must not raise or block.
        """
        self._listeners.append(listener)

    def not_ready(self) -> str | None:
        """Return why the table is not ready, for a readiness check."""
        return None if self.loaded else f"{self._topic} is not read to its end yet"

    async def run(self, stop: asyncio.Event) -> None:
        """Load and follow the topic until `stop` is set, whatever Kafka does."""
        unwatch = metrics.TABLE_ENTRIES.watch(lambda: len(self._entries), topic=self._topic)
        stopping = asyncio.create_task(stop.wait())
        following = asyncio.create_task(retry_in_place(lambda: self._follow(stop), self._clock, what="follow_table"))
        try:
            await asyncio.wait([stopping, following], return_when=asyncio.FIRST_COMPLETED)
        finally:
            unwatch()
            for task in (stopping, following):
                task.cancel()
            results = await asyncio.gather(stopping, following, return_exceptions=True)
        if isinstance(results[1], Exception):
            raise results[1]

    async def _follow(self, stop: asyncio.Event) -> None:
        with translating():
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=_FETCH_MAX_WAIT_MS,
                request_timeout_ms=_REQUEST_TIMEOUT_MS,
            )
            try:
                await consumer.start()
                rest_while_idle(consumer)
                partitions = await self._partitions(consumer)
                await self._load(consumer, partitions, stop)
                while not stop.is_set():
                    for key, entry in self._read(await self._poll(consumer)):
                        self._apply(key, entry)
            finally:
                await consumer.stop()

    async def _partitions(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        # The consumer knows a topic's partitions only once it was told to look at it.
        await consumer._client.add_topic(self._topic)  # noqa: SLF001 (assign() would need the answer first)
        numbers = consumer.partitions_for_topic(self._topic)
        if not numbers:
            raise KafkaUnavailable(f"topic {self._topic} is missing or has no leader yet")
        return [TopicPartition(self._topic, number) for number in sorted(numbers)]

    async def _load(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition], stop: asyncio.Event) -> None:
        # Asked before the first fetch, behind which the answers would have to wait.
        ends = await consumer.end_offsets(partitions)
        begins = await consumer.beginning_offsets(partitions)
        consumer.assign(partitions)
        loading: dict[str, T] = {}
        behind = {partition for partition in partitions if begins[partition] < ends[partition]}
        while behind and not stop.is_set():
            for key, entry in self._read(await self._poll(consumer)):
                if entry is None:
                    loading.pop(key, None)
                else:
                    loading[key] = entry
            behind = {part for part in behind if await consumer.position(part) < ends[part]}
        if not behind:
            self._replace(loading)
            self._loaded.set()
            _log.info("table_loaded", topic=self._topic, count=len(loading))

    async def _poll(self, consumer: AIOKafkaConsumer) -> list[Any]:
        raise_if_deaf(consumer)
        fetched = await consumer.getmany(timeout_ms=_POLL_MS)
        return [record for records in fetched.values() for record in records]

    def _read(self, records: Iterable[Any]) -> Iterable[tuple[str, T | None]]:
        for record in records:
            try:
                key = (record.key or b"").decode()
                yield key, None if record.value is None else self._decode(key, record.value)
            except ValueError as error:
                # Configuration that cannot be read must not stop the configuration that can.
                metrics.TABLE_UNDECODABLE.add(topic=self._topic)
                _log.error(
                    "table_record_undecodable",
                    topic=self._topic,
                    partition=record.partition,
                    offset=record.offset,
                    error=error,
                )

    def _replace(self, entries: dict[str, T]) -> None:
        for key in self._entries.keys() - entries.keys():
            self._apply(key, None)
        for key, entry in entries.items():
            self._apply(key, entry)

    def _apply(self, key: str, entry: T | None) -> None:
        if entry is None:
            self._entries.pop(key, None)
        else:
            self._entries[key] = entry
        for listener in self._listeners:
            listener(key, entry)
