"""Everything a worker writes to Kafka: next hops, and what the attempt log is told.

Each method returns once Kafka has acknowledged, and only then may the offset of the record at hand finish.
"""

import asyncio

from carewire_contracts.topics import Lane, Topics
from carewire_dispatcher.adapters.entry_writer import EntryWriter
from carewire_dispatcher.adapters.health_record import encode_breaker
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.domain.breaker import Breaker
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_runtime.clock import Clock
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.retry import retry_in_place


class DeliveryWriter:
    """Writes on behalf of one tenure; refuses once the session is lost. To be closed when the tenure ends.

    While Kafka is away it waits and tries again. What was taken twice then does no harm: copies of a hop are
    recognised, and the attempt log is told the same thing again.
    """

    def __init__(self, producer: Producer, topics: Topics, pulse: Pulse, clock: Clock) -> None:
        self._producer = producer
        self._topics = topics
        self._pulse = pulse
        self._clock = clock
        self._entries = EntryWriter(producer, topics.attempts.name, pulse, clock)

    async def forward(self, lane: Lane, partition: int, tier: int | None, delivery: Delivery) -> None:
        """Write a next hop to a tier, or with None to the lane itself, where it waits in memory."""
        topic = self._topics.deliveries(lane) if tier is None else self._topics.tier(lane, tier)

        async def write() -> None:
            self._pulse.check()
            await self._producer.send(
                topic.name,
                key=delivery.key.encode(),
                value=delivery.body,
                headers=delivery.headers(),
                partition=partition,
            )

        await retry_in_place(write, self._clock, what="write_delivery")

    async def move(self, lane: Lane, delivery: Delivery) -> None:
        """Write a next hop to the lane, to the partition of its own key."""
        topic, key = self._topics.deliveries(lane).name, delivery.key.encode()

        async def write() -> None:
            self._pulse.check()
            await self._producer.send(topic, key=key, value=delivery.body, headers=delivery.headers())

        await retry_in_place(write, self._clock, what="write_delivery")

    async def tell_health(self, key: str, breaker: Breaker) -> None:
        """Tell whoever takes over whether an endpoint, or the shard of one, is left alone."""

        async def write() -> None:
            self._pulse.check()
            value = encode_breaker(breaker)
            await self._producer.send(self._topics.health.name, key=key.encode(), value=value, headers=[])

        await retry_in_place(write, self._clock, what="write_health")

    async def log(self, entry: LogEntry) -> None:
        """Tell the attempt log."""
        await self._entries.write(entry)

    async def log_and_forward(
        self, entry: LogEntry, lane: Lane, partition: int, tier: int | None, delivery: Delivery
    ) -> None:
        """Do both side by side."""
        await asyncio.gather(self.forward(lane, partition, tier, delivery), self.log(entry))

    def close(self) -> None:
        """Give up what is not written yet: whoever waited for it is gone."""
        self._entries.close()
