import asyncio

import pytest

from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.errors import SessionLost
from carewire_runtime.clock import FakeClock


async def test_a_loop_that_ticks_keeps_its_session() -> None:
    clock = FakeClock()
    pulse = Pulse(clock, 10)
    running = asyncio.create_task(pulse.run())
    await clock.run_for(60)
    pulse.check()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_loop_that_stood_still_has_lost_its_session_for_good() -> None:
    clock = FakeClock()
    pulse = Pulse(clock, 10)
    running = asyncio.create_task(pulse.run())
    await clock.run_for(3)
    clock.advance(11)
    with pytest.raises(SessionLost):
        pulse.check()
    with pytest.raises(SessionLost):
        await running
    with pytest.raises(SessionLost):
        pulse.check()


async def test_the_tick_itself_notices_the_gap() -> None:
    clock = FakeClock()
    pulse = Pulse(clock, 10)
    running = asyncio.create_task(pulse.run())
    await clock.run_for(1)
    clock.advance(12)
    with pytest.raises(SessionLost):
        await running


async def test_a_stepped_wall_clock_changes_nothing() -> None:
    clock = FakeClock()
    pulse = Pulse(clock, 10)
    clock.step_wall_clock(3600)
    pulse.check()
