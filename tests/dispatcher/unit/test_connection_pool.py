"""Idle connections: which is used next, which is closed, and when."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.adapters.delivery_client import pool as pool_module
from carewire_dispatcher.adapters.delivery_client.pool import LIFETIME_S, Pool
from carewire_testing import eventually

HERE = "https://receiver.example:443"
THERE = "https://other.example:443"


@dataclass(eq=False)
class Line:
    """A connection as the pool sees it."""

    name: str = ""
    is_silent: bool = True
    opened_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    when_lost: Any = None
    ended: str = ""

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def lose(self) -> None:
        """The receiver closes it."""
        self.is_silent = False
        if self.when_lost is not None:
            self.when_lost(self)


def keep(pool: Pool, origin: str, line: Line) -> Line:
    pool.put(origin, line)  # type: ignore[arg-type]
    return line


async def test_the_last_one_used_is_used_next() -> None:
    pool = Pool()
    first, second = keep(pool, HERE, Line("first")), keep(pool, HERE, Line("second"))
    taken: list[Any] = [pool.take(HERE) for _ in range(3)]
    assert taken == [second, first, None]
    assert len(pool) == 0


async def test_origins_share_nothing() -> None:
    pool = Pool()
    line = keep(pool, HERE, Line())
    assert pool.take(THERE) is None
    taken: Any = pool.take(HERE)
    assert taken is line


async def test_one_that_the_receiver_closed_is_forgotten_at_once() -> None:
    pool = Pool()
    line = keep(pool, HERE, Line())
    line.lose()
    assert (pool.take(HERE), len(pool)) == (None, 0)


async def test_one_that_the_kernel_knows_to_be_closed_is_passed_over() -> None:
    pool = Pool()
    good, stale = keep(pool, HERE, Line("good")), keep(pool, HERE, Line("stale", is_silent=False))
    taken: Any = pool.take(HERE)
    assert taken is good
    assert stale.ended == "aborted"


async def test_one_that_was_taken_is_the_taker_s_to_lose() -> None:
    pool = Pool()
    line = keep(pool, HERE, Line())
    assert pool.take(HERE) is not None
    line.lose()
    assert keep(pool, HERE, Line("another")).when_lost is not None


async def test_idle_ones_are_closed_after_a_while_each_at_its_time() -> None:
    pool = Pool(keep_alive_s=0.05)
    lines = [keep(pool, HERE, Line()), keep(pool, THERE, Line())]
    await eventually(lambda: len(pool) == 0, pause=0.005)
    assert [line.ended for line in lines] == ["closed", "closed"]
    later = keep(pool, HERE, Line())
    assert later.ended == ""
    await eventually(lambda: later.ended == "closed", pause=0.005)


async def test_one_in_use_is_not_closed_for_the_time_before() -> None:
    pool = Pool(keep_alive_s=0.05)
    line, other = keep(pool, HERE, Line()), keep(pool, THERE, Line())
    assert pool.take(HERE) is not None
    await eventually(lambda: other.ended == "closed", pause=0.005)
    assert line.ended == ""


async def test_after_a_long_life_a_connection_is_not_kept_again() -> None:
    pool = Pool()
    old = keep(pool, HERE, Line(opened_at=asyncio.get_running_loop().time() - LIFETIME_S - 1))
    assert (old.ended, pool.take(HERE)) == ("closed", None)


async def test_beyond_the_most_that_are_kept_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "IDLE_MAX", 2)
    pool = Pool()
    first, second, third = keep(pool, HERE, Line()), keep(pool, THERE, Line()), keep(pool, HERE, Line())
    assert [line.ended for line in (first, second, third)] == ["closed", "", ""]
    assert len(pool) == 2


async def test_all_can_be_closed_at_once() -> None:
    pool = Pool()
    lines = [keep(pool, origin, Line()) for origin in (HERE, THERE, HERE)]
    pool.abort_all()
    assert [line.ended for line in lines] == ["aborted"] * 3
    assert (len(pool), pool.take(HERE)) == (0, None)
    pool.abort_all()


@given(st.lists(st.tuples(st.sampled_from(["put", "take", "lose", "hush"]), st.sampled_from([HERE, THERE]))))
def test_a_connection_is_never_given_to_two_nor_after_its_end(steps: list[tuple[str, str]]) -> None:
    async def play() -> None:
        pool = Pool()
        idle: dict[str, list[Line]] = {HERE: [], THERE: []}
        for step, origin in steps:
            if step == "put":
                idle[origin].append(keep(pool, origin, Line()))
            elif step == "take":
                taken: Any = pool.take(origin)
                while idle[origin] and not idle[origin][-1].is_silent:
                    assert idle[origin].pop().ended == "aborted"
                assert taken is (idle[origin].pop() if idle[origin] else None)
            elif step == "lose" and idle[origin]:
                idle[origin].pop(0).lose()
            elif step == "hush" and idle[origin]:
                idle[origin][-1].is_silent = False
        assert len(pool) == sum(map(len, idle.values()))
        pool.abort_all()

    asyncio.run(play())
