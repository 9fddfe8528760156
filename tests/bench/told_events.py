"""The topic of domain events, looked at without reading it while something is measured."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from tests.bench.surroundings import PARTITIONS

from carewire_contracts.topics import Topics
from carewire_local.platform import Platform

Place = dict[TopicPartition, int]


class ToldEvents:
    """Knows where the topic ends, and reads what was told since."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._partitions = [TopicPartition(Topics().events.name, number) for number in range(PARTITIONS)]
        consumer.assign(self._partitions)
        consumer.pause(*self._partitions)

    async def end(self) -> Place:
        """Where the topic ends now."""
        ends: Place = await self._consumer.end_offsets(self._partitions)
        return ends

    async def count_since(self, begin: Place) -> int:
        """How many events came since."""
        return sum((await self.end()).values()) - sum(begin.values())

    async def since(self, begin: Place) -> list[Any]:
        """The records that came since, of each partition in order."""
        ends = await self.end()
        missing = {partition for partition, end in ends.items() if end > begin[partition]}
        self._consumer.resume(*self._partitions)
        for partition, offset in begin.items():
            self._consumer.seek(partition, offset)
        records: list[Any] = []
        while missing:
            for partition, batch in (await self._consumer.getmany(timeout_ms=200)).items():
                records.extend(one for one in batch if one.offset < ends[partition])
                if batch[-1].offset + 1 >= ends[partition]:
                    missing.discard(partition)
        self._consumer.pause(*self._partitions)
        return records


@asynccontextmanager
async def told_events(platform: Platform) -> AsyncIterator[ToldEvents]:
    """Look at the topic of a house."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=platform.stack.kafka_bootstrap, enable_auto_commit=False, auto_offset_reset="none"
    )
    await consumer.start()
    try:
        yield ToldEvents(consumer)
    finally:
        await consumer.stop()
