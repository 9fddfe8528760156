"""What a worker writes: next hops under the key that leads to its own partition, and the log's entries."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, cast

import pytest

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.delivery_writer import ENTRIES_GATHER_S, HOPS_GATHER_S, DeliveryWriter
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.ending import End, EndStatus
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_runtime.clock import FakeClock
from carewire_testing_dispatcher.deliveries import ENDPOINT_ID, a_delivery

ENTRY = LogEntry.of(a_delivery(), End(EndStatus.DELIVERED), 1_000)


class Kafka:
    """Takes whatever comes, at once."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []

    async def enqueue_all(self, records: Sequence[Any]) -> list[asyncio.Future[None]]:
        self.batches.append(list(records))
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        taken.set_result(None)
        return [taken] * len(records)


class Desk:
    """A writer, and the clock that it waits by."""

    def __init__(self) -> None:
        self.kafka, self.clock = Kafka(), FakeClock()
        self.writer = DeliveryWriter(cast("Any", self.kafka), Topics("p."), Pulse(self.clock, 10), self.clock)

    async def wrote(self, *writing: Coroutine[Any, Any, None]) -> list[list[Any]]:
        """The batches that came of it."""
        tasks = [asyncio.create_task(one) for one in writing]
        await self.clock.run_for(max(HOPS_GATHER_S, ENTRIES_GATHER_S))
        await asyncio.gather(*tasks)
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
    desk, delivery = Desk(), a_delivery(shard=3)
    [[written]] = await desk.wrote(desk.writer.forward(lane, tier, delivery))
    assert (written.topic, written.key) == (topic, delivery.key.encode())
    assert Delivery.of(written.key, written.value, written.headers) == delivery


async def test_hops_of_a_moment_go_together_whatever_their_topics() -> None:
    desk = Desk()
    hops = [desk.writer.forward("bulk", tier, a_delivery()) for tier in (2, 8, None) for _ in range(20)]
    assert [len(batch) for batch in await desk.wrote(*hops)] == [60]


async def test_an_entry_goes_to_the_log_under_its_endpoint_s_id() -> None:
    desk = Desk()
    [[written]] = await desk.wrote(desk.writer.log(ENTRY))
    assert (written.topic, written.key) == ("p.dispatcher.attempts", ENDPOINT_ID.encode())
    assert LogEntry.decode(written.value) == ENTRY


async def test_after_an_attempt_both_are_written() -> None:
    desk = Desk()
    batches = await desk.wrote(desk.writer.log_and_forward(ENTRY, "fast", 8, a_delivery()))
    topics = {one.topic for batch in batches for one in batch}
    assert topics == {"p.dispatcher.attempts", "p.dispatcher.fast.retry.8s"}


async def test_a_closed_writer_writes_no_more() -> None:
    desk = Desk()
    writing = [asyncio.create_task(desk.writer.log_and_forward(ENTRY, "fast", 8, a_delivery()))]
    await desk.clock.run_for(0)
    desk.writer.close()
    await desk.clock.run_for(1)
    assert desk.kafka.batches == []
    for one in writing:
        one.cancel()
    await asyncio.gather(*writing, return_exceptions=True)
