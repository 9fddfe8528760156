"""How a batch is taken: when the driver is asked, and how long the broker may hold what is asked next."""

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest

from carewire_runtime.clock import FakeClock
from carewire_runtime.kafka.pace import EAGER, GATHERING, IDLE_WAIT_MS, LAZY, Pace
from carewire_runtime.kafka.taking import Taking

USUAL = (IDLE_WAIT_MS, 1)
GATHERED = (70, 65_536)
LAZILY_GATHERED = (500, 65_536)


@dataclass
class Taken:
    """A record, and when it was appended."""

    name: str
    timestamp: int


class Consumer:
    """Stands for the driver's: gives what it is told to, and remembers how patiently it was asked."""

    def __init__(self) -> None:
        self._fetcher = SimpleNamespace(_fetch_max_wait_ms=IDLE_WAIT_MS, _fetch_min_bytes=1)
        self.given: dict[str, list[Taken]] = {}
        self.asked: list[tuple[int, int]] = []

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[str, list[Taken]]:
        self.asked.append((timeout_ms, max_records))
        return self.given

    @property
    def held(self) -> tuple[int, int]:
        """For how many ms, and until how many bytes have come, the broker may hold the next fetch."""
        return self._fetcher._fetch_max_wait_ms, self._fetcher._fetch_min_bytes


class Scene:
    def __init__(self, pace: Pace) -> None:
        self.clock, self.consumer = FakeClock(), Consumer()
        self._taking = Taking(pace, 200, self.clock)

    async def take(self, *records: str) -> tuple[Any, ...]:
        taken = [Taken(one, int(self.clock.monotonic() * 1000)) for one in records]
        self.consumer.given = {"p0": taken[:1], "p1": taken[1:]}
        taking = asyncio.create_task(self._taking.take(cast("Any", self.consumer)))
        await self.clock.run_for(0)
        while not taking.done():
            await self.clock.run_for(0.001)
        return tuple(one.name for one in taking.result())

    async def flow(self, per_second: float, seconds: float = 2.0, *, each: int = 1) -> None:
        """Records come one by one, or so many of one moment."""
        for _ in range(int(per_second * seconds)):
            self.clock.advance(max(0.0, 1 / per_second))
            await self.take(*["one"] * each)


@pytest.fixture
def scene() -> Scene:
    return Scene(GATHERING)


async def test_a_batch_is_what_all_partitions_have(scene: Scene) -> None:
    assert await scene.take("a", "b", "c") == ("a", "b", "c")
    assert scene.consumer.asked == [(60_000, 200)]


async def test_a_lone_record_is_fetched_at_once_whatever_came_before_it(scene: Scene) -> None:
    await scene.flow(per_second=20)
    assert scene.consumer.held == USUAL


async def test_fast_ones_are_gathered_by_the_broker(scene: Scene) -> None:
    await scene.flow(per_second=100)
    assert scene.consumer.held == GATHERED


async def test_what_comes_together_anyway_waits_for_nobody(scene: Scene) -> None:
    await scene.flow(per_second=40, each=12)
    assert scene.consumer.held == USUAL


async def test_when_they_stop_coming_the_next_one_is_lone_again(scene: Scene) -> None:
    await scene.flow(per_second=100)
    assert await scene.take() == ()
    assert scene.consumer.asked[-1] == (140, 200), "for twice as long as the broker gathers"
    assert scene.consumer.held == USUAL
    await scene.take("lone")
    assert scene.consumer.asked[-1] == (60_000, 200)


async def test_who_is_in_no_hurry_hears_of_the_first_one_at_once_and_gathers_until_no_more_come() -> None:
    scene = Scene(LAZY)
    assert scene.consumer.held == USUAL
    await scene.take("first")
    assert scene.consumer.held == LAZILY_GATHERED
    await scene.take("of the next half second", "too")
    assert scene.consumer.held == LAZILY_GATHERED
    await scene.take()
    assert scene.consumer.asked[-1] == (1_000, 200), "for twice as long as the broker gathers"
    assert scene.consumer.held == USUAL


async def test_who_does_not_gather_leaves_the_driver_as_it_was_set() -> None:
    scene = Scene(EAGER)
    scene.consumer._fetcher._fetch_max_wait_ms = 77
    await scene.flow(per_second=500)
    assert scene.consumer.held == (77, 1)
    assert {patience for patience, _ in scene.consumer.asked} == {60_000}


@pytest.mark.parametrize(
    ("pause", "waited"),
    [pytest.param(0.0, 0.004, id="at once"), pytest.param(0.003, 0.001, id="soon"), pytest.param(1.0, 0, id="later")],
)
async def test_a_batch_is_taken_a_tick_after_the_one_before_it_and_not_later(
    scene: Scene, pause: float, waited: float
) -> None:
    await scene.take("one")
    scene.clock.advance(pause)
    began = scene.clock.monotonic()
    await scene.take("another")
    assert scene.clock.monotonic() - began == pytest.approx(waited, abs=1e-6)
