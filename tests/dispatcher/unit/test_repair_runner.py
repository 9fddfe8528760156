"""The runner goes on for as long as there is something to do, rests else, and stops at once when it is asked to."""

import asyncio
from typing import Any, cast

import pytest

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.repair_runner import LOOK_EVERY_S, RepairRunner
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import PostgresUnavailable, ProducerFatal
from carewire_testing_runtime.log import logged


class Runner(RepairRunner):
    """Its steps and its look for the next one are played. A step is due for as long as any is in the script."""

    def __init__(self, clock: FakeClock, *steps: bool | Exception) -> None:
        super().__init__(cast("Any", None), cast("Any", None), Topics(), clock)
        self.steps = list(steps)
        self.stepped_at: list[float] = []
        self.looked_at: list[float] = []
        self.withdrawn_at: list[float] = []

    async def step(self) -> bool:
        self.stepped_at.append(self._clock.monotonic())
        outcome = self.steps.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def withdraw(self) -> None:
        self.withdrawn_at.append(self._clock.monotonic())

    async def _rest(self) -> float:
        self.looked_at.append(self._clock.monotonic())
        return 0.0 if self.steps else LOOK_EVERY_S


async def test_steps_follow_each_other_and_then_it_looks_once_a_second() -> None:
    clock, stop = FakeClock(), asyncio.Event()
    runner = Runner(clock, True, True)
    running = asyncio.create_task(runner.run(stop))
    await clock.run_for(2.5)
    assert runner.stepped_at == [0, 0]
    assert runner.looked_at == [0, 0, 0, 1, 2]
    stop.set()
    await running


async def test_a_step_that_another_process_is_at_is_not_asked_for_without_a_pause() -> None:
    clock, stop = FakeClock(), asyncio.Event()
    runner = Runner(clock, False, False, True)
    running = asyncio.create_task(runner.run(stop))
    await clock.run_for(0.5)
    assert runner.stepped_at == pytest.approx([0, 0.1, 0.2])
    stop.set()
    await running


async def test_claims_are_withdrawn_at_first_and_then_hourly() -> None:
    clock, stop = FakeClock(), asyncio.Event()
    runner = Runner(clock)
    running = asyncio.create_task(runner.run(stop))
    await clock.run_for(3)
    clock.advance(3_600)
    await clock.run_for(3)
    assert len(runner.withdrawn_at) == 2
    stop.set()
    await running


@pytest.mark.parametrize("fault", [PostgresUnavailable("08006")])
async def test_what_passes_by_itself_is_waited_for_ever_longer_and_a_stop_is_not_kept_waiting(
    fault: Exception,
) -> None:
    clock, stop = FakeClock(), asyncio.Event()
    with logged() as lines:
        runner = Runner(clock, *[fault] * 100)
        running = asyncio.create_task(runner.run(stop))
        await clock.run_for(1)
        assert runner.stepped_at == pytest.approx([0, 0.1, 0.3, 0.7])
        stop.set()
        await running
    assert {line["reason"] for line in lines.of("retrying")} == {"repair"}


async def test_a_producer_that_lost_its_place_ends_the_process() -> None:
    runner = Runner(FakeClock(), ProducerFatal("lost"))
    with pytest.raises(ProducerFatal):
        await runner.run(asyncio.Event())
