import asyncio

import pytest

from carewire_ingress.adapters.deadline import Deadline


async def waiting(deadline: Deadline, seconds: float) -> str:
    with deadline:
        await asyncio.sleep(seconds)
    return "in time"


async def test_each_wait_has_its_own_time_and_only_the_late_ones_are_cut() -> None:
    deadline = Deadline(0.05)
    waits = [waiting(deadline, 0.0), waiting(deadline, 60), waiting(deadline, 0.001), waiting(deadline, 60)]
    outcomes = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [str, TimeoutError, str, TimeoutError]
    assert await waiting(deadline, 0.0) == "in time", "it serves on"


async def test_a_cancellation_by_somebody_else_is_no_timeout() -> None:
    task = asyncio.create_task(waiting(Deadline(60), 60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
