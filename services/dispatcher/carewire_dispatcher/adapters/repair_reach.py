"""How far back events and the attempt log reach, and how much of what happened the log has been told."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_contracts.events import EVENT_TYPES
from carewire_contracts.topics import Topic, Topics
from carewire_dispatcher.adapters.attempt_log import attempt_log_group
from carewire_dispatcher.adapters.fan_out import fan_out_group, status_fan_out_group
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.log_days import oldest_day
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.matching import ENDPOINT_EVENT_TYPES, STATUS_EVENT_TYPES, wants_type
from carewire_dispatcher.domain.repair import Reach
from carewire_runtime.clock import Clock
from carewire_runtime.kafka.admin import committed
from carewire_runtime.kafka.translation import translating

PATIENCE_S: Final = 5.0
"""How long a question waits for the log to be told what had happened when it was asked."""
_LOOK_EVERY_S: Final = 0.25
_HOUR_MS: Final = 3_600_000
_CLOCKS_DIFFER_MS: Final = 60_000
"""By how much Kafka's clock may be ahead of ours."""

Place = tuple[str, int, int, int, int]
"""Topic and partition; the first offset of a range, the next one to look at, and the one after the last."""


class RepairReach:
    """Asks Kafka. Every method raises KafkaError."""

    def __init__(self, bootstrap: str, topics: Topics, log_kept: timedelta, clock: Clock) -> None:
        self._bootstrap = bootstrap
        self._topics = topics
        self._log_kept = log_kept
        self._clock = clock
        self._types: dict[Topic, Sequence[str]] = {
            topics.events: EVENT_TYPES,
            topics.incoming_webhooks: STATUS_EVENT_TYPES,
            topics.endpoint_events: ENDPOINT_EVENT_TYPES,
        }
        self._groups = {
            topics.events.name: fan_out_group(topics),
            topics.incoming_webhooks.name: status_fan_out_group(topics),
            topics.endpoint_events.name: status_fan_out_group(topics),
        }

    async def reach(self, events: Sequence[Topic], *, patience_s: float = PATIENCE_S) -> Reach:
        """Say what can be read, of some topics of events; waits some seconds for the log."""
        # Days go as a whole, so what a caller is told to begin at is still right when they ask again.
        log_from = datetime.combine(oldest_day(self._clock.now(), self._log_kept), time(), UTC)
        ends = await self.log_ends()
        deadline = self._clock.monotonic() + patience_s
        while not (caught_up := await self.log_has_read(ends)) and self._clock.monotonic() < deadline:
            await self._clock.sleep(_LOOK_EVERY_S)
        return Reach(await self._events_from(events), int(log_from.timestamp() * 1000), caught_up)

    async def log_ends(self) -> dict[int, int]:
        """Say where the topic of attempts ends, by partition."""
        topic = self._topics.attempts
        async with self._consumer() as consumer:
            ends = await consumer.end_offsets(_partitions(topic))
        return {place.partition: end for place, end in ends.items()}

    async def log_has_read(self, ends: dict[int, int]) -> bool:
        """Whether the log has been told all that lies before some ends."""
        read = await committed(self._bootstrap, attempt_log_group(self._topics))
        name = self._topics.attempts.name
        return all(read.get((name, number), (0, ""))[0] >= end for number, end in ends.items())

    async def begins(self) -> dict[tuple[str, int], int]:
        """Say where each partition of events begins now."""
        places = [place for topic in self._types for place in _partitions(topic)]
        async with self._consumer() as consumer:
            begins = await consumer.beginning_offsets(places)
        return {(place.topic, place.partition): begin for place, begin in begins.items()}

    def topics_of(self, endpoint: Endpoint | None) -> list[Topic]:
        """List the topics that hold what an endpoint wants; without one, all whose events fan-out spreads."""
        return [
            topic
            for topic, types in self._types.items()
            if endpoint is None or any(wants_type(endpoint, event_type) for event_type in types)
        ]

    async def places(self, events: Sequence[Topic], begin: int, end: int) -> list[Place]:
        """Find the events of a range of time, as far as fan-out has come: what it has not seen is not missing."""
        found: list[Place] = []
        for topic in events:
            spread = await committed(self._bootstrap, self._groups[topic.name])
            async with self._consumer() as consumer:
                partitions = _partitions(topic)
                firsts = await consumer.offsets_for_times(dict.fromkeys(partitions, begin))
                behinds = await consumer.offsets_for_times(dict.fromkeys(partitions, end))
            for place in partitions:
                limit = spread.get((place.topic, place.partition), (0, ""))[0]
                behind = limit if behinds[place] is None else min(limit, behinds[place].offset)
                if firsts[place] is not None and firsts[place].offset < behind:
                    first = firsts[place].offset
                    found.append((place.topic, place.partition, first, first, behind))
        return found

    async def _events_from(self, events: Sequence[Topic]) -> int:
        """Say since when all events are there: a partition that was never cut has had all of its own.

        One that was cut has all that is younger than what Kafka deletes by itself, also where that is nothing.
        """
        kept = {place: topic.retention_ms for topic in events for place in _partitions(topic)}
        async with self._consumer() as consumer:
            begins = await consumer.beginning_offsets(list(kept))
            oldest = await consumer.offsets_for_times(dict.fromkeys(kept, 0))
        now = millis(self._clock)
        cut = {place: oldest[place] for place, begin in begins.items() if begin > 0}
        return max((all_since(now, kept[place], one and one.timestamp) for place, one in cut.items()), default=0)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        with translating():
            try:
                await consumer.start()
                yield consumer
            finally:
                await consumer.stop()


def all_since(now: int, kept_ms: int, oldest: int | None) -> int:
    """Say since when a partition that was cut has had all of its records; `oldest` is the first that is left.

    Kafka deletes whole segments, and none that has a record younger than `kept_ms`; below zero it deletes none. What is
    told is a whole hour, so that it is still right when somebody asks again.
    """
    first = now if oldest is None else oldest
    if kept_ms < 0:
        return first
    return min(first, -(-(now - kept_ms + _CLOCKS_DIFFER_MS) // _HOUR_MS) * _HOUR_MS)


def _partitions(topic: Topic) -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]
