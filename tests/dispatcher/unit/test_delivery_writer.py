"""What a worker writes: next hops under the key that leads to its own partition, and the log's entries."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.delivery_writer import ENTRIES_GATHER_S, HOPS_GATHER_S, DeliveryWriter
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.ending import End, EndStatus
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import ProducerFatal
from carewire_testing_dispatcher.deliveries import ENDPOINT_ID, a_delivery

ENTRY = LogEntry.of(a_delivery(), End(EndStatus.DELIVERED), 1_000)


class Kafka:
    """Takes whatever comes, at once."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.fault: Exception | None = None

    async def enqueue_all(self, records: Sequence[Any]) -> list[asyncio.Future[None]]:
        if self.fault is not None:
            raise self.fault
        self.batches.append(list(records))
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        taken.set_result(None)
        return [taken] * len(records)


class Desk:
    """A writer, and the clock that it waits by."""

    def __init__(self) -> None:
        self.kafka, self.clock = Kafka(), FakeClock()
        self.writer = DeliveryWriter(cast("Any", self.kafka), Topics("p."), Pulse(self.clock, 10), self.clock)

    async def wrote(self) -> list[list[Any]]:
        """The batches that came of what was written."""
        await self.clock.run_for(max(HOPS_GATHER_S, ENTRIES_GATHER_S))
        return self.kafka.batches


@pytest.mark.parametrize(
    ("lane", "tier", "topic"),
    [
        ("fast", 2, "p.dispatcher.fast.retry.2s"),
        ("bulk", 32768, "p.dispatcher.bulk.retry.32768s"),
        ("fast", None, "p.dispatcher.fast.deliveries"),
        ("bulk", None, "p.dispatcher.bulk.deliveries"),
    ],
)
async def test_a_next_hop_goes_to_its_tier_or_to_the_lane_itself(lane: Any, tier: int | None, topic: str) -> None:
    desk, delivery, done = Desk(), a_delivery(shard=3), list[str]()
    desk.writer.forward(lane, tier, delivery, lambda: done.append("written"))
    [[written]] = await desk.wrote()
    assert (written.topic, written.key) == (topic, delivery.key.encode())
    assert Delivery.of(written.key, written.value, written.headers) == delivery
    assert done == ["written"]


async def test_hops_of_a_moment_go_together_whatever_their_topics() -> None:
    desk = Desk()
    for tier in (2, 8, None):
        for _ in range(20):
            desk.writer.forward("bulk", tier, a_delivery(), _nothing)
    assert [len(batch) for batch in await desk.wrote()] == [60]


async def test_an_entry_goes_to_the_log_under_its_endpoint_s_id() -> None:
    desk, done = Desk(), list[str]()
    desk.writer.log(ENTRY, lambda: done.append("written"))
    [[written]] = await desk.wrote()
    assert (written.topic, written.key) == ("p.dispatcher.attempts", ENDPOINT_ID.encode())
    assert LogEntry.decode(written.value) == ENTRY
    assert done == ["written"]


async def test_what_cannot_be_helped_is_told_once_whatever_it_befell() -> None:
    desk = Desk()
    desk.kafka.fault = ProducerFatal("out of sequence")
    desk.writer.log(ENTRY, _nothing)
    desk.writer.forward("fast", 8, a_delivery(), _nothing)
    assert await desk.wrote() == []
    assert type(desk.writer.failed.result()) is ProducerFatal


async def test_a_closed_writer_writes_no_more() -> None:
    desk = Desk()
    desk.writer.log(ENTRY, _nothing)
    desk.writer.forward("fast", 8, a_delivery(), _nothing)
    await desk.clock.run_for(0)
    desk.writer.close()
    await desk.clock.run_for(1)
    assert desk.kafka.batches == []
    assert not desk.writer.failed.done()


def _nothing() -> None: ...
