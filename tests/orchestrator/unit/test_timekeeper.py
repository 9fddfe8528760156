"""How the timekeeper goes about its work: at once, at the pace that is allowed, and on after faults."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, cast

import pytest

from carewire_orchestrator.adapters.timekeeper import Timekeeper
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import PostgresUnavailable
from carewire_runtime.telemetry import metrics


class Due:
    """Timers at moments of their own, taken as the table is."""

    def __init__(
        self, moments: list[datetime], faults: int = 0, clock: FakeClock | None = None, takes_s: float = 0.0
    ) -> None:
        self.moments = sorted(moments)
        self.faults = faults
        self.taken: list[tuple[datetime, int]] = []
        self.lateness: list[float] = []
        self.looks = 0
        self.held = False
        self._clock = clock
        self._takes_s = takes_s

    async def next_at(self) -> datetime | None:
        self.looks += 1
        return self.moments[0] if self.moments else None

    async def take(self, now: datetime, limit: int) -> list[float]:
        if self.faults:
            self.faults -= 1
            raise PostgresUnavailable("gone")
        due = [] if self.held else [moment for moment in self.moments if moment <= now][:limit]
        self.moments = self.moments[len(due) :]
        if due:
            self.taken.append((now, len(due)))
        if self._clock is not None:
            await self._clock.sleep(self._takes_s)
        lateness = [(now - moment).total_seconds() for moment in due]
        self.lateness += lateness
        return lateness


class Woken:
    def __init__(self) -> None:
        self.times = 0

    def wake(self) -> None:
        self.times += 1


@asynccontextmanager
async def keeping(due: Due, clock: FakeClock, per_second: float = 100) -> AsyncIterator[Woken]:
    relay, stop = Woken(), asyncio.Event()
    keeper = Timekeeper(cast("Any", due), cast("Any", relay), clock, per_second=per_second)
    running = asyncio.create_task(keeper.run(stop))
    try:
        yield relay
    finally:
        stop.set()
        await running


async def test_a_timer_is_taken_at_its_moment() -> None:
    clock = FakeClock()
    moment = clock.now() + timedelta(seconds=10.3)
    due = Due([moment])
    async with keeping(due, clock) as relay:
        await clock.run_for(20)
        assert due.taken == [(moment, 1)]
        assert relay.times == 1, "its events are published at once"


async def test_what_was_set_to_a_moment_before_the_next_look_is_late_by_less_than_a_second() -> None:
    clock = FakeClock()
    due = Due([])
    async with keeping(due, clock):
        await clock.run_for(10.1)
        due.moments.append(clock.now() + timedelta(seconds=0.1))
        await clock.run_for(2)
    assert len(due.lateness) == 1
    assert 0 < due.lateness[0] < 1


async def test_while_nothing_is_due_it_looks_once_a_second() -> None:
    clock = FakeClock()
    due = Due([clock.now() + timedelta(days=1)])
    async with keeping(due, clock):
        await clock.run_for(10)
    assert due.looks == 11


async def test_an_alarm_that_rings_early_is_no_reason_to_look_without_a_pause() -> None:
    clock = FakeClock()
    due = Due([clock.now() + timedelta(microseconds=number) for number in range(1, 5)])
    async with keeping(due, clock):
        await clock.run_for(1)
    assert sum(count for _, count in due.taken) == 4
    assert due.looks <= 3


async def test_what_cannot_be_taken_since_its_care_flow_is_locked_is_tried_again_and_not_without_a_pause() -> None:
    clock = FakeClock()
    due = Due([clock.now()])
    due.held = True
    async with keeping(due, clock):
        await clock.run_for(10)
        assert due.looks <= 21
        due.held = False
        await clock.run_for(0.5)
    assert sum(count for _, count in due.taken) == 1


async def test_what_has_piled_up_comes_no_faster_than_is_allowed() -> None:
    clock = FakeClock()
    started = clock.now()
    due = Due([clock.now() - timedelta(days=1)] * 1_000)
    async with keeping(due, clock, per_second=100):
        await clock.run_for(5.0)
        assert 500 <= sum(count for _, count in due.taken) <= 600
        await clock.run_for(6.0)
    assert sum(count for _, count in due.taken) == 1_000
    assert (due.taken[-1][0] - started).total_seconds() >= 9


async def test_timers_that_follow_each_other_closely_share_a_take_and_none_waits_for_long() -> None:
    clock = FakeClock()
    due = Due([clock.now() + timedelta(milliseconds=5 * number) for number in range(1, 401)])
    async with keeping(due, clock, per_second=500):
        await clock.run_for(3.0)
    assert sum(count for _, count in due.taken) == 400
    assert len(due.taken) <= 11, "five takes a second, while some are due"
    assert all(before < after for (before, _), (after, _) in pairwise(due.taken))
    assert max(due.lateness) <= 0.5


@pytest.mark.parametrize("per_second", [50, 100, 500])
async def test_after_an_outage_they_come_in_order_at_just_the_pace_that_is_allowed(per_second: int) -> None:
    clock = FakeClock()
    day = timedelta(days=1)
    due = Due([clock.now() - day + day / 2_000 * number for number in range(2_000)])
    late = metrics.TIMERS_LATE.value()
    async with keeping(due, clock, per_second=per_second):
        await clock.run_for(2_000 / per_second + 1)
    moments = [moment for moment, _ in due.taken]
    assert sum(count for _, count in due.taken) == 2_000
    assert due.lateness == sorted(due.lateness, reverse=True)
    assert moments[-1] - moments[0] == pytest.approx(timedelta(seconds=1_900 / per_second), abs=timedelta(seconds=0.5))
    assert metrics.TIMERS_LATE.value() - late == sum(seconds > 60 for seconds in due.lateness)


async def test_the_time_that_a_take_needs_is_part_of_the_pace() -> None:
    clock = FakeClock()
    due = Due([clock.now()] * 1_000, clock=clock, takes_s=0.125)
    async with keeping(due, clock, per_second=400):
        await clock.run_for(2.75)
    assert sum(count for _, count in due.taken) == 1_000
    assert due.taken[-1][0] - due.taken[0][0] == timedelta(seconds=2.25)


async def test_a_database_that_is_gone_for_a_while_makes_timers_late_and_loses_none() -> None:
    clock = FakeClock()
    due = Due([clock.now()] * 3, faults=4)
    async with keeping(due, clock):
        await clock.run_for(30.0)
    assert sum(count for _, count in due.taken) == 3


@pytest.mark.parametrize("pending", [0, 1_000])
async def test_it_stops_at_once_when_it_is_told_to(pending: int) -> None:
    clock = FakeClock()
    due = Due([clock.now()] * pending)
    async with asyncio.timeout(5), keeping(due, clock):
        await asyncio.sleep(0)
