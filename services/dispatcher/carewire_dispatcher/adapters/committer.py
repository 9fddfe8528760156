"""Commits what is finished, and purges what is committed.

The finished offsets above the high-water mark travel as a bitmap in the commit's metadata. Retry topics keep
records for ever by age, since the wait of one may be the last news of an endpoint; so the worker deletes what
the broker has confirmed as committed.
"""

from collections.abc import Iterable
from typing import Final

from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from carewire_dispatcher.adapters.source import Source
from carewire_dispatcher.errors import SessionLost
from carewire_runtime.clock import Clock
from carewire_runtime.errors import KafkaError
from carewire_runtime.kafka.admin import delete_records
from carewire_runtime.kafka.translation import translating
from carewire_runtime.telemetry.logs import logger

COMMIT_EVERY_S: Final = 0.5
PURGE_EVERY_S: Final = 60.0
RECOMMIT_EVERY_S: Final = 86_400.0
"""The offsets of a group without members expire after 7 days without a commit (offsets.retention.minutes)."""

_log = logger("worker")


class Committer:
    """Commits for the sources of one consumer."""

    def __init__(self, consumer: AIOKafkaConsumer, sources: Iterable[Source], clock: Clock) -> None:
        self._consumer = consumer
        self._sources = tuple(sources)
        self._clock = clock
        self._all_committed_at = clock.monotonic()

    async def commit(self) -> None:
        """Commit every position that changed, and once a day all. Raises SessionLost or KafkaError."""
        again = self._clock.monotonic() - self._all_committed_at >= RECOMMIT_EVERY_S
        positions = {
            source: position
            for source in self._sources
            if (position := source.tracker.position()) is not None and (again or position != source.committed)
        }
        if not positions:
            return
        await self._send({source.place: OffsetAndMetadata(*at) for source, at in positions.items()})
        for source, position in positions.items():
            source.committed = position
        if again:
            self._all_committed_at = self._clock.monotonic()

    async def _send(self, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        with translating():
            try:
                await self._consumer.commit(offsets)
            except (CommitFailedError, IllegalStateError):
                raise SessionLost("the group gave the partitions to another worker") from None


async def purge(bootstrap: str, sources: Iterable[Source]) -> None:
    """Delete what is committed. What cannot be deleted now is deleted at the next time."""
    ended = {
        source: source.committed[0]
        for source in sources
        if source.committed is not None and source.committed[0] > source.purged
    }
    if not ended:
        return
    try:
        places = {(source.place.topic, source.place.partition): offset for source, offset in ended.items()}
        await delete_records(bootstrap, places)
    except KafkaError as error:
        _log.warning("purge_failed", error=error)
        return
    for source, offset in ended.items():
        source.purged = offset
