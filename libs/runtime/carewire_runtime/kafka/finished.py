"""What a member of a group has finished and not committed yet."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.errors import KafkaError as DriverError

from carewire_runtime.kafka.translation import translated
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

COMMIT_EVERY_S: Final = 0.5
"""Handlers repeat without harm, so a commit need not cost every batch a round trip: after a kill at most this
much is done again."""

_log = logger("consumer")


class Finished:
    """The offset after the last finished record of each partition, until a commit took it."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._offsets: dict[TopicPartition, int] = {}
        self._committing = asyncio.Lock()
        self._any = asyncio.Event()

    async def any(self) -> None:
        """Wait until something is to be committed."""
        await self._any.wait()

    def add(self, records: Iterable[Any]) -> None:
        """Note a finished batch; batches of one partition are finished in order."""
        # Of each partition the last one stays: places are made of these alone.
        ends = {(record.topic, record.partition): record.offset + 1 for record in records}
        self._offsets.update({TopicPartition(*place): end for place, end in ends.items()})
        self._any.set()

    async def commit(self, consumer: AIOKafkaConsumer) -> None:
        """Commit what is finished, waiting for Kafka while it is away. Raises KafkaError."""
        async with self._committing:
            offsets = self._offsets
            self.forget()
            if not offsets:
                return
            try:
                await consumer.commit(offsets)
            except (CommitFailedError, IllegalStateError):
                self.skip(len(offsets))
            except (DriverError, OSError) as error:
                raise translated(error) from None

    def forget(self) -> None:
        """Drop what belongs to partitions that were taken away: their next owner's commits come first."""
        self._offsets = {}
        self._any.clear()

    def skip(self, partitions: int) -> None:
        """Note that a commit was left out, so its records will be seen again."""
        metrics.COMMITS_SKIPPED.add(group=self._group)
        _log.warning("commit_skipped", group=self._group, partitions=partitions)
