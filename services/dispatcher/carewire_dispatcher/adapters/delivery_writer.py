"""Everything a worker writes to Kafka: next hops, and what the attempt log is told.

What is written is done with once Kafka has acknowledged it, and only then may the offset of the record at hand finish.
"""

import asyncio
from typing import Final

from carewire_contracts.envelope import Headers
from carewire_contracts.topics import Lane, Topics
from carewire_dispatcher.adapters.gathering_writer import GatheringWriter, Outgoing, Then
from carewire_dispatcher.adapters.health_record import encode_breaker
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.domain.breaker import Breaker
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_runtime.clock import Clock
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.retry import retry_in_place

ENTRIES_GATHER_S: Final = 0.05
"""How long entries of the log wait for others. Nobody waits for them but the commit, which comes twice a second."""
HOPS_GATHER_S: Final = 0.01
"""How long next hops wait for others. They are due in seconds; only those of a burst are many."""

_JSON: Final[Headers] = [("content-type", b"application/json")]


class DeliveryWriter:
    """Writes on behalf of one tenure; refuses once the session is lost. To be closed when the tenure ends.

    While Kafka is away it waits and tries again. What was taken twice then does no harm: copies of a hop are
    recognised, and the attempt log is told the same thing again. `failed` ends with what that cannot help.
    """

    def __init__(self, producer: Producer, topics: Topics, pulse: Pulse, clock: Clock) -> None:
        self._producer = producer
        self._topics = topics
        self._pulse = pulse
        self._clock = clock
        self._attempts: Final = topics.attempts.name
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._entries = GatheringWriter(
            producer, self._entry, "write_attempts", ENTRIES_GATHER_S, pulse, clock, self._fail
        )
        self._hops = GatheringWriter(producer, _hop, "write_deliveries", HOPS_GATHER_S, pulse, clock, self._fail)

    def forward(self, lane: Lane, tier: int | None, delivery: Delivery, then: Then) -> None:
        """Write a next hop to a tier, or with None to the lane itself, where it waits in memory.

        Its key leads it to the same partition of every topic.
        """
        topic = self._topics.deliveries(lane) if tier is None else self._topics.tier(lane, tier)
        self._hops.write((topic.name, delivery), then)

    async def tell_health(self, key: str, breaker: Breaker) -> None:
        """Tell whoever takes over whether an endpoint, or the shard of one, is left alone."""

        async def write() -> None:
            self._pulse.check()
            value = encode_breaker(breaker)
            await self._producer.send(self._topics.health.name, key=key.encode(), value=value, headers=[])

        await retry_in_place(write, self._clock, what="write_health")

    def log(self, entry: LogEntry, then: Then) -> None:
        """Tell the attempt log."""
        self._entries.write(entry, then)

    def close(self) -> None:
        """Give up what is not written yet: whoever waited for it is gone."""
        self._entries.close()
        self._hops.close()

    def _entry(self, entry: LogEntry) -> Outgoing:
        return Outgoing(self._attempts, entry.endpoint_id.encode(), entry.encode(), _JSON)

    def _fail(self, error: BaseException) -> None:
        if not self.failed.done():
            self.failed.set_result(error)


def _hop(written: tuple[str, Delivery]) -> Outgoing:
    topic, delivery = written
    return Outgoing(topic, delivery.key.encode(), delivery.body, delivery.headers())
