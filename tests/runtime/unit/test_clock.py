"""The fake clock passes the suite that the real one passes, and can do what tests need besides."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta

import pytest

from carewire_runtime.clock import Clock, FakeClock, SystemClock

Pass = Callable[[float], Awaitable[None]]


@pytest.fixture(params=["real", "fake"])
def clock_and_pass(request: pytest.FixtureRequest) -> tuple[Clock, Pass]:
    """A clock, and how time passes on it."""
    if request.param == "real":
        return SystemClock(), asyncio.sleep
    fake = FakeClock()
    return fake, fake.run_for


async def test_now_is_aware_and_in_utc(clock_and_pass: tuple[Clock, Pass]) -> None:
    assert clock_and_pass[0].now().tzinfo is UTC


async def test_both_times_go_forward_together(clock_and_pass: tuple[Clock, Pass]) -> None:
    clock, let_pass = clock_and_pass
    now, monotonic = clock.now(), clock.monotonic()
    await let_pass(0.01)
    assert clock.now() - now >= timedelta(seconds=0.009)
    assert clock.monotonic() - monotonic >= 0.009


async def test_who_is_not_woken_sleeps_as_long_as_was_meant(clock_and_pass: tuple[Clock, Pass]) -> None:
    clock, let_pass = clock_and_pass
    began = clock.monotonic()
    sleeping = asyncio.create_task(clock.sleep_unless(asyncio.Event(), 0.03))
    await let_pass(0.03)
    await sleeping
    assert clock.monotonic() - began >= 0.029


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_who_is_woken_does_not_sleep_on(clock_and_pass: tuple[Clock, Pass], when: str) -> None:
    clock, event = clock_and_pass[0], asyncio.Event()
    if when == "before":
        event.set()
    sleeping = asyncio.create_task(clock.sleep_unless(event, 3_600.0))
    await asyncio.sleep(0)
    event.set()
    await sleeping
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_who_does_not_sleep_at_all_does_not_wait_for_the_event(clock_and_pass: tuple[Clock, Pass]) -> None:
    await clock_and_pass[0].sleep_unless(asyncio.Event(), 0.0)


async def test_who_is_cancelled_in_a_sleep_is_not_taken_to_have_slept(clock_and_pass: tuple[Clock, Pass]) -> None:
    sleeping = asyncio.create_task(clock_and_pass[0].sleep_unless(asyncio.Event(), 3_600.0))
    await asyncio.sleep(0)
    sleeping.cancel()
    await asyncio.gather(sleeping, return_exceptions=True)
    assert sleeping.cancelled()


async def test_a_sleep_ends_when_its_time_has_come_and_not_before(clock_and_pass: tuple[Clock, Pass]) -> None:
    clock, let_pass = clock_and_pass
    began = clock.monotonic()
    sleeping = asyncio.create_task(clock.sleep(0.03))
    await let_pass(0.01)
    assert not sleeping.done()
    await let_pass(0.05)
    assert sleeping.done()
    assert clock.monotonic() - began >= 0.03


@pytest.mark.parametrize("seconds", [0, -1])
async def test_a_sleep_of_nothing_lets_others_run(clock_and_pass: tuple[Clock, Pass], seconds: float) -> None:
    clock, _ = clock_and_pass
    ran: list[str] = []
    asyncio.get_running_loop().call_soon(ran.append, "other")
    await clock.sleep(seconds)
    assert ran == ["other"]


async def test_a_cancelled_sleep_ends_at_once(clock_and_pass: tuple[Clock, Pass]) -> None:
    clock, let_pass = clock_and_pass
    sleeping = asyncio.create_task(clock.sleep(100))
    await let_pass(0)
    sleeping.cancel()
    await asyncio.wait([sleeping])
    assert sleeping.cancelled()


async def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    clock, woken = FakeClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        for seconds in (3, 1, 2):
            group.create_task(sleeper(seconds))
        await clock.run_for(10)
    assert woken == [(1, 1.0), (2, 2.0), (3, 3.0)]


async def test_whoever_sleeps_again_is_woken_again_on_the_way() -> None:
    clock, ticks = FakeClock(), []

    async def tick() -> None:
        while True:
            await clock.sleep(1)
            ticks.append(clock.monotonic())

    ticking = asyncio.create_task(tick())
    await clock.run_for(3.5)
    ticking.cancel()
    assert ticks == [1.0, 2.0, 3.0]
    assert clock.monotonic() == 3.5


async def test_a_sleeper_that_has_gone_is_passed_over() -> None:
    clock = FakeClock()
    gone, staying = (asyncio.create_task(clock.sleep(5)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    assert clock.sleepers == 1
    clock.advance(5)
    await staying
    assert gone.cancelled()


async def test_advance_jumps_at_once() -> None:
    clock = FakeClock()
    sleeping = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    assert clock.sleepers == 1
    clock.advance(60)
    await sleeping
    assert clock.monotonic() == 60
    assert clock.sleepers == 0


def test_a_stepped_wall_clock_leaves_the_monotonic_one_alone() -> None:
    clock = FakeClock()
    before = clock.now()
    clock.step_wall_clock(-3600)
    assert clock.now() == before - timedelta(hours=1)
    assert clock.monotonic() == 0
