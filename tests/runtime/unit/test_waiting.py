"""Sleeping for a while, unless an event is set."""

import asyncio

import pytest

from carewire_runtime.clock import FakeClock


class Sleeper:
    """Somebody who sleeps for ten seconds, unless woken."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.event = asyncio.Event()
        self.task = asyncio.create_task(self.clock.sleep_unless(self.event, 10.0))

    async def has_woken_up_after(self, seconds: float) -> bool:
        await self.clock.run_for(seconds)
        return self.task.done()


async def test_who_is_not_woken_sleeps_as_long_as_was_meant() -> None:
    sleeper = Sleeper()
    assert not await sleeper.has_woken_up_after(9.9)
    assert await sleeper.has_woken_up_after(0.1)


async def test_who_is_woken_gets_up_at_once() -> None:
    sleeper = Sleeper()
    assert not await sleeper.has_woken_up_after(5.0)
    sleeper.event.set()
    assert await sleeper.has_woken_up_after(0.0)


async def test_who_was_woken_before_does_not_lie_down() -> None:
    sleeper = Sleeper()
    sleeper.event.set()
    assert await sleeper.has_woken_up_after(0.0)


@pytest.mark.parametrize("end", ["slept long enough", "woken", "cancelled"])
async def test_however_a_sleep_ends_nothing_of_it_goes_on(end: str) -> None:
    sleeper = Sleeper()
    await sleeper.has_woken_up_after(10.0 if end == "slept long enough" else 1.0)
    if end == "woken":
        sleeper.event.set()
    if end == "cancelled":
        sleeper.task.cancel()
    await asyncio.gather(sleeper.task, return_exceptions=True)
    assert sleeper.task.cancelled() == (end == "cancelled")
    assert sleeper.clock.sleepers == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
