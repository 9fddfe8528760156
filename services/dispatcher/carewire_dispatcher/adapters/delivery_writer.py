"""Everything a worker writes to Kafka: next hops, and what the attempt log is told.

Each method returns once Kafka has acknowledged, and only then may the offset of the record at hand finish.
"""

import asyncio

from carewire_contracts.envelope import Headers
from carewire_contracts.topics import Lane, Topics
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_runtime.kafka.producer import Appended, Producer

_JSON: Headers = [("content-type", b"application/json")]


class DeliveryWriter:
    """Writes on behalf of one tenure; refuses once the session is lost."""

    def __init__(self, producer: Producer, topics: Topics, pulse: Pulse) -> None:
        self._producer = producer
        self._topics = topics
        self._pulse = pulse

    async def forward(self, lane: Lane, partition: int, tier: int | None, delivery: Delivery) -> None:
        """Write a next hop to a tier, or with None to the lane itself, where it waits in memory."""
        await (await self._enqueue_hop(lane, partition, tier, delivery))

    async def log(self, entry: LogEntry) -> None:
        """Tell the attempt log."""
        await (await self._enqueue_entry(entry))

    async def log_and_forward(
        self, entry: LogEntry, lane: Lane, partition: int, tier: int | None, delivery: Delivery
    ) -> None:
        """Do both side by side."""
        hop = await self._enqueue_hop(lane, partition, tier, delivery)
        told = await self._enqueue_entry(entry)
        await asyncio.gather(hop, told)

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
