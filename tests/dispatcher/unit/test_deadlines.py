"""Calls end when their time is up, a tick late at most, and one timer serves all of them."""

import asyncio
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.adapters.delivery_client.deadlines import TICK_S, Deadlines, tick_behind
from carewire_testing import eventually


@dataclass(eq=False)
class Waiting:
    """A call."""

    ended: list[float] = field(default_factory=list)

    def time_is_up(self) -> None:
        self.ended.append(asyncio.get_running_loop().time())


async def test_each_ends_once_and_never_before_its_deadline() -> None:
    deadlines, loop = Deadlines(), asyncio.get_running_loop()
    now = loop.time()
    calls = {now + after: Waiting() for after in (0.11, 0.02, 0.3, 0.02001, 0.0)}
    for deadline, call in calls.items():
        deadlines.put(call, deadline)
    await eventually(lambda: all(call.ended for call in calls.values()))
    for deadline, call in calls.items():
        [ended] = call.ended
        assert ended >= deadline - loop_resolution()


async def test_who_is_forgotten_is_left_alone_and_keeps_no_timer_busy() -> None:
    deadlines, now = Deadlines(), asyncio.get_running_loop().time()
    gone, stays = Waiting(), Waiting()
    ticks = [deadlines.put(call, now + 0.02) for call in (gone, stays)]
    deadlines.forget(gone, ticks[0])
    await eventually(lambda: bool(stays.ended))
    assert gone.ended == []
    deadlines.forget(stays, ticks[1])
    assert (deadlines._ending_at, deadlines._alarm) == ({}, None)


async def test_a_deadline_that_comes_before_all_others_is_not_missed() -> None:
    deadlines, now = Deadlines(), asyncio.get_running_loop().time()
    patient, hasty = Waiting(), Waiting()
    deadlines.put(patient, now + 3_600)
    deadlines.put(hasty, now + 0.01)
    await eventually(lambda: bool(hasty.ended))
    assert patient.ended == []


async def test_one_that_ends_may_wait_anew_at_once() -> None:
    deadlines, loop = Deadlines(), asyncio.get_running_loop()

    class Again(Waiting):
        def time_is_up(self) -> None:
            super().time_is_up()
            if len(self.ended) < 3:
                deadlines.put(self, loop.time())

    call = Again()
    deadlines.put(call, loop.time())
    await eventually(lambda: len(call.ended) == 3)


@given(st.floats(0, 1e6))
def test_a_tick_is_behind_the_deadline_but_by_no_more_than_one(deadline: float) -> None:
    at = tick_behind(deadline) * TICK_S
    assert deadline - 1e-6 <= at <= deadline + TICK_S + 1e-6


def loop_resolution() -> float:
    """A loop's timers may be a tick of its clock early."""
    return 0.002
