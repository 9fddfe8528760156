"""Doing something over and over until asked to stop."""

import asyncio
from collections.abc import Iterator

import pytest

from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import PostgresUnavailable, StatementFailed
from carewire_runtime.periodic import every

FINE = None


class Chore:
    """Something that is done every ten seconds; it ends as told, and then well."""

    def __init__(self, *ends: Exception | None) -> None:
        self.clock = FakeClock()
        self.stop = asyncio.Event()
        self.done_at: list[float] = []
        self._ends: Iterator[Exception | None] = iter(ends)
        self.task = asyncio.create_task(every(10.0, self._step, self.stop, self.clock, what="chore"))

    async def _step(self) -> None:
        self.done_at.append(self.clock.monotonic())
        end = next(self._ends, None)
        if end is not None:
            raise end


async def stopped(chore: Chore) -> list[float]:
    chore.stop.set()
    await chore.task
    return chore.done_at


async def test_it_is_done_at_once_and_then_at_intervals() -> None:
    chore = Chore()
    await chore.clock.run_for(25)
    assert await stopped(chore) == [0, 10, 20]


async def test_after_a_fault_that_passes_it_is_done_again_sooner_and_then_as_before() -> None:
    chore = Chore(FINE, PostgresUnavailable(), PostgresUnavailable(), FINE, PostgresUnavailable())
    await chore.clock.run_for(31)
    assert await stopped(chore) == pytest.approx([0, 10, 10.1, 10.3, 20.3, 20.4, 30.4])


async def test_what_does_not_pass_is_raised() -> None:
    chore = Chore(FINE, StatementFailed("42P01"))
    await chore.clock.run_for(10)
    with pytest.raises(StatementFailed):
        await chore.task


@pytest.mark.parametrize("end", [FINE, PostgresUnavailable()], ids=["after success", "after a fault"])
async def test_whoever_asks_to_stop_does_not_wait_for_a_pause_to_end(end: Exception | None) -> None:
    chore = Chore(end)
    await chore.clock.run_for(0.05)
    assert await stopped(chore) == [0]
    assert chore.clock.monotonic() == pytest.approx(0.05)


async def test_nothing_is_done_when_it_was_over_before_it_began() -> None:
    chore = Chore()
    assert await stopped(chore) == []
