"""Everything a worker writes to Kafka: next hops, and what the attempt log is told.

Each method returns once Kafka has acknowledged, and only then may the offset of the record at hand finish.
"""

import asyncio
from collections.abc import Awaitable, Callable

from carewire_contracts.envelope import Headers
from carewire_contracts.topics import Lane, Topics
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_runtime.clock import Clock
from carewire_runtime.kafka.producer import Appended, Producer
from carewire_runtime.retry import retry_in_place

_JSON: Headers = [("content-type", b"application/json")]


class DeliveryWriter:
    """Writes on behalf of one tenure; refuses once the session is lost.

    While Kafka is away it waits and tries again. What was taken twice then does no harm: copies of a hop are
    recognised, and the attempt log is told the same thing again.
    """

    def __init__(self, producer: Producer, topics: Topics, pulse: Pulse, clock: Clock) -> None:
        self._producer = producer
        self._topics = topics
        self._pulse = pulse
        self._clock = clock

    async def forward(self, lane: Lane, partition: int, tier: int | None, delivery: Delivery) -> None:
        """Write a next hop to a tier, or with None to the lane itself, where it waits in memory."""

        async def write() -> None:
            await (await self._enqueue_hop(lane, partition, tier, delivery))

        await self._until_written(write)

    async def log(self, entry: LogEntry) -> None:
        """Tell the attempt log."""

        async def write() -> None:
            await (await self._enqueue_entry(entry))

        await self._until_written(write)

    async def log_and_forward(
        self, entry: LogEntry, lane: Lane, partition: int, tier: int | None, delivery: Delivery
    ) -> None:
        """Do both side by side."""
        await asyncio.gather(self.forward(lane, partition, tier, delivery), self.log(entry))

    async def _until_written(self, write: Callable[[], Awaitable[None]]) -> None:
        await retry_in_place(write, self._clock, what="write_delivery")

    async def _enqueue_hop(
        self, lane: Lane, partition: int, tier: int | None, delivery: Delivery
    ) -> asyncio.Future[Appended]:
        self._pulse.check()
        topic = self._topics.deliveries(lane) if tier is None else self._topics.tier(lane, tier)
        return await self._producer.enqueue(
            topic.name,
            key=delivery.endpoint_id.encode(),
            value=delivery.body,
            headers=delivery.headers(),
            partition=partition,
        )

    async def _enqueue_entry(self, entry: LogEntry) -> asyncio.Future[Appended]:
        self._pulse.check()
        return await self._producer.enqueue(
            self._topics.attempts.name, key=entry.endpoint_id.encode(), value=entry.encode(), headers=_JSON
        )
