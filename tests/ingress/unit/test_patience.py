import asyncio

import pytest

from carewire_ingress.adapters.patience import Patience


def patience(seconds: float) -> Patience:
    return Patience(seconds, lambda: TimeoutError("too long"))


async def test_a_future_that_is_not_done_in_time_fails() -> None:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    patience(0.01).watch(future)
    with pytest.raises(TimeoutError, match="too long"):
        await future


async def test_one_that_is_done_in_time_is_left_alone() -> None:
    loop, limit = asyncio.get_running_loop(), patience(0.01)
    done, cancelled, late = (loop.create_future() for _ in range(3))
    for future in (done, cancelled, late):
        limit.watch(future)
    done.set_result("in time")
    cancelled.cancel()
    with pytest.raises(TimeoutError):
        await late
    assert await done == "in time"
    assert cancelled.cancelled()


async def test_each_has_its_own_time_and_its_own_exception() -> None:
    loop, limit = asyncio.get_running_loop(), patience(0.05)
    first, second = loop.create_future(), loop.create_future()
    limit.watch(first)
    await asyncio.sleep(0.03)
    began = loop.time()
    limit.watch(second)
    errors = await asyncio.gather(first, second, return_exceptions=True)
    assert loop.time() - began >= 0.05
    assert errors[0] is not errors[1]


async def test_after_a_pause_it_watches_again() -> None:
    loop, limit = asyncio.get_running_loop(), patience(0.01)
    for _ in range(3):
        future = loop.create_future()
        limit.watch(future)
        with pytest.raises(TimeoutError):
            await future
