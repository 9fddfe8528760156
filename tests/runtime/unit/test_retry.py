import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import KafkaRefused, KafkaUnavailable
from carewire_runtime.retry import pause_after, retry_in_place


def test_pauses_grow_to_five_seconds() -> None:
    assert [pause_after(attempt) for attempt in range(1, 9)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert pause_after(10**6) == 5.0


async def test_a_step_is_done_again_until_it_succeeds() -> None:
    clock, calls = FakeClock(), []

    async def step() -> str:
        calls.append(clock.monotonic())
        if len(calls) < 4:
            raise KafkaUnavailable
        return "done"

    running = asyncio.create_task(retry_in_place(step, clock, what="test"))
    await clock.run_for(60)
    assert await running == "done"
    assert calls == pytest.approx([0, 0.1, 0.3, 0.7])


async def test_what_does_not_pass_is_raised_at_once() -> None:
    async def step() -> None:
        raise KafkaRefused

    with pytest.raises(KafkaRefused):
        await retry_in_place(step, FakeClock(), what="test")


async def test_the_caller_may_say_what_passes() -> None:
    clock, outcomes = FakeClock(), [ValueError, KeyError]

    async def step() -> None:
        raise outcomes.pop(0)

    running = asyncio.create_task(retry_in_place(step, clock, lambda error: isinstance(error, ValueError), what="test"))
    await clock.run_for(1)
    with pytest.raises(KeyError):
        await running


@given(st.integers(1, 10**9))
def test_no_pause_is_shorter_than_the_one_before_nor_longer_than_five_seconds(attempt: int) -> None:
    assert 0.1 <= pause_after(attempt) <= pause_after(attempt + 1) <= 5.0


@given(failures=st.integers(0, 30))
async def test_however_often_it_fails_it_is_done_once_and_every_pause_is_kept(failures: int) -> None:
    clock, tries = FakeClock(), list[float]()

    async def step() -> int:
        tries.append(clock.monotonic())
        if len(tries) <= failures:
            raise KafkaUnavailable
        return len(tries)

    running = asyncio.create_task(retry_in_place(step, clock, what="test"))
    await clock.run_for(6 * failures)
    assert await running == failures + 1
    waited = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert waited == pytest.approx([pause_after(attempt) for attempt in range(1, failures + 1)])


async def test_whoever_is_told_to_stop_does_not_wait_the_pause_out() -> None:
    clock = FakeClock()

    async def step() -> None:
        raise KafkaUnavailable

    running = asyncio.create_task(retry_in_place(step, clock, what="test"))
    await clock.run_for(1)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert clock.sleepers == 0
