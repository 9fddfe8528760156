"""How fetched records get into their buffers, and what is held back at the broker."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition

from carewire_dispatcher.adapters.pump import Draining, Pump
from carewire_dispatcher.adapters.source import QUICK_TIER_RECORDS, SLOW_TIER_RECORDS, Source
from carewire_runtime.clock import FakeClock

PATIENCE_MS = 5_000
LOOK_MS, HELD_BACK_MS = 10, 25
GATHERS = 1_000
SLOW, QUICK = TopicPartition("slow", 0), TopicPartition("quick", 0)


class Broker:
    """Two partitions without end, until they end, and a consumer's position in each."""

    def __init__(self) -> None:
        self.positions = {SLOW: 0, QUICK: 0}
        self.paused: set[TopicPartition] = set()
        self.polls: list[int] = []
        self.ends = False
        self.step = asyncio.Semaphore(0)
        self._fetcher = SimpleNamespace(_fetch_max_wait_ms=PATIENCE_MS, _fetch_min_bytes=1)

    @property
    def wait_ms(self) -> int:
        """For how long the next fetch may be held."""
        return int(self._fetcher._fetch_max_wait_ms)

    @property
    def least_bytes(self) -> int:
        """How much the broker may gather for the next fetch."""
        return int(self._fetcher._fetch_min_bytes)

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        self.polls.append(timeout_ms)
        await self.step.acquire()
        fetched = {}
        for place, position in self.positions.items():
            if place not in self.paused and not self.ends:
                fetched[place] = [
                    SimpleNamespace(offset=position + number, timestamp=0, value=b"x")
                    for number in range(min(max_records, 400))
                ]
                self.positions[place] = position + len(fetched[place])
        return fetched

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.positions[place] = offset

    def pause(self, place: TopicPartition) -> None:
        self.paused.add(place)

    def resume(self, place: TopicPartition) -> None:
        self.paused.discard(place)


class World:
    def __init__(self) -> None:
        self.broker, self.clock = Broker(), FakeClock()
        self.slow = Source(SLOW, "fast", 2048, 0, 10**9)
        self.quick = Source(QUICK, "fast", 2, 0, 10**9)
        self.offered: list[Source] = []
        mill = cast("Any", SimpleNamespace(offer=self.offered.append))
        self.pump = Pump(
            cast("Any", self.broker),
            [self.slow, self.quick],
            mill,
            self.clock,
            Draining(0.2, PATIENCE_MS, LOOK_MS, HELD_BACK_MS, GATHERS),
        )

    async def fetch(self) -> None:
        self.broker.step.release()
        await self.clock.run_for(0.2)

    @staticmethod
    def take(source: Source, count: int) -> list[int]:
        taken = [cast("Any", source.take()).offset for _ in range(count)]
        for offset in taken:
            source.tracker.finish(offset)
        return taken


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    running = asyncio.create_task(made.pump.run())
    await asyncio.sleep(0)
    yield made
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_full_buffer_is_held_back_and_what_did_not_fit_is_fetched_again_later(world: World) -> None:
    await world.fetch()
    assert world.broker.paused == {SLOW}
    assert world.broker.positions == {SLOW: SLOW_TIER_RECORDS, QUICK: 400}
    await world.fetch()
    assert world.broker.paused == {SLOW, QUICK}
    assert world.broker.positions[QUICK] == QUICK_TIER_RECORDS


async def test_no_record_is_skipped_or_seen_twice_over_many_fetches(world: World) -> None:
    seen: list[int] = []
    for _ in range(12):
        await world.fetch()
        seen += world.take(world.slow, SLOW_TIER_RECORDS)
        await world.fetch()
        seen += world.take(world.slow, 0)
    assert seen == list(range(len(seen)))
    assert len(seen) >= 6 * SLOW_TIER_RECORDS


async def test_a_slow_tier_goes_on_when_it_is_empty_and_a_quick_one_when_it_is_half_empty(world: World) -> None:
    await world.fetch()
    await world.fetch()
    world.take(world.slow, SLOW_TIER_RECORDS - 1)
    world.take(world.quick, QUICK_TIER_RECORDS // 2)
    await world.fetch()
    await world.fetch()
    assert world.broker.positions == {SLOW: SLOW_TIER_RECORDS, QUICK: QUICK_TIER_RECORDS}
    world.take(world.slow, 1)
    world.take(world.quick, 1)
    await world.fetch()
    await world.fetch()
    assert world.broker.positions[SLOW] == 2 * SLOW_TIER_RECORDS
    assert world.broker.positions[QUICK] > QUICK_TIER_RECORDS


async def test_buffers_are_looked_at_more_often_while_records_or_even_full_partitions_wait_in_them(
    world: World,
) -> None:
    await world.fetch()
    world.take(world.slow, SLOW_TIER_RECORDS)
    await world.fetch()
    empty, some_full = world.broker.polls[:2]
    assert some_full == LOOK_MS < empty


async def test_while_a_partition_is_held_back_the_broker_may_not_hold_a_fetch_that_leaves_it_out(world: World) -> None:
    await world.fetch()
    assert world.broker.paused == {SLOW}
    assert world.broker.wait_ms == HELD_BACK_MS
    world.take(world.slow, SLOW_TIER_RECORDS)
    world.broker.ends = True
    await world.fetch()
    assert world.broker.paused == set()
    assert HELD_BACK_MS < world.broker.wait_ms < PATIENCE_MS


async def test_the_broker_may_hold_a_fetch_for_long_only_while_nothing_is_buffered(world: World) -> None:
    assert (world.broker.wait_ms, world.broker.least_bytes) == (PATIENCE_MS, 1)
    await world.fetch()
    assert world.broker.wait_ms < PATIENCE_MS
    assert world.broker.least_bytes == GATHERS, "others wait already, so what comes can wait for more"
    world.take(world.slow, SLOW_TIER_RECORDS)
    world.take(world.quick, 400)
    world.broker.ends = True
    await world.fetch()
    assert (world.broker.wait_ms, world.broker.least_bytes) == (PATIENCE_MS, 1)


async def test_the_fetch_that_leaves_right_after_records_came_may_not_be_held_for_long_either(world: World) -> None:
    world.broker.step.release()
    await world.clock.run_for(0)
    assert len(world.broker.polls) == 1, "the pump waits for others to come with them"
    assert world.broker.wait_ms < PATIENCE_MS


async def test_the_mill_is_told_of_each_source_that_got_records(world: World) -> None:
    await world.fetch()
    assert world.offered == [world.slow, world.quick]
    await world.fetch()
    assert world.offered == [world.slow, world.quick, world.quick]
