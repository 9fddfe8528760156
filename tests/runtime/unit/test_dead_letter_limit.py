"""How much may be poison: by table, and against a reader that recounts everything each time."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.clock import FakeClock
from carewire_runtime.kafka.dead_letters import PoisonLimit

WINDOW_S = 300


@pytest.mark.parametrize(
    ("good", "poison", "too_much"),
    [
        (0, 0, False),
        (0, 199, False),
        (0, 200, True),
        (159, 40, False),
        (160, 40, False),
        (159, 41, True),
        (799, 200, True),
        (800, 200, False),
        (1_000_000, 999, False),
        (1_000_000, 1_000, True),
    ],
)
def test_over_a_fifth_of_two_hundred_or_a_thousand_in_a_row_are_too_much(
    good: int, poison: int, too_much: bool
) -> None:
    limit = PoisonLimit(FakeClock())
    limit.good(good)
    limit.poison(poison)
    assert (limit.exceeded is not None) is too_much


def test_a_good_one_ends_the_row_and_no_good_one_does_not() -> None:
    limit = PoisonLimit(FakeClock())
    limit.good(1_000_000)
    limit.poison(999)
    limit.good()
    limit.poison(999)
    assert limit.exceeded is None
    limit.good(0)
    limit.poison()
    assert limit.exceeded is not None


def test_only_the_last_five_minutes_count() -> None:
    clock = FakeClock()
    limit = PoisonLimit(clock)
    limit.poison(100)
    clock.advance(299)
    limit.poison(50)
    clock.advance(2)
    limit.good(300)
    limit.poison(25)
    assert limit.exceeded is None
    limit.poison()
    assert "76 of 376 records in 5 minutes" in str(limit.exceeded)


def test_what_was_too_much_once_stays_so_until_somebody_acts() -> None:
    clock = FakeClock()
    limit = PoisonLimit(clock)
    limit.poison(200)
    said = limit.exceeded
    clock.advance(10 * WINDOW_S)
    limit.good(1_000_000)
    limit.poison(1)
    assert limit.exceeded is said is not None


@pytest.mark.parametrize("part", ["look into the dead topic", "this release", "--reset-offsets", "start anew"])
def test_it_says_every_cure(part: str) -> None:
    limit = PoisonLimit(FakeClock())
    limit.poison(200)
    assert limit.exceeded is not None
    assert part in str(limit.exceeded)
    assert not limit.exceeded.retriable


@dataclass(frozen=True)
class Noted:
    """Some records that were read at one moment."""

    at: float
    good: int
    poison: int


def is_too_much(history: list[Noted], now: float) -> bool:
    """The rule in its own words, counted from the beginning."""
    recent = [one for one in history if one.at > now - WINDOW_S]
    good, poison = sum(one.good for one in recent), sum(one.poison for one in recent)
    row = 0
    for one in history:
        row = 0 if one.good else row + one.poison
    return row >= 1_000 or (good + poison >= 200 and poison * 5 > good + poison)


@given(
    st.lists(
        st.tuples(st.floats(0, 200), st.booleans(), st.integers(1, 400)),
        min_size=1,
        max_size=40,
    )
)
def test_it_is_exceeded_from_the_first_moment_at_which_the_rule_holds(steps: list[tuple[float, bool, int]]) -> None:
    clock, history = FakeClock(), list[Noted]()
    limit = PoisonLimit(clock)
    held_once = False
    for pause, is_good, count in steps:
        clock.advance(pause)
        history.append(Noted(clock.monotonic(), count if is_good else 0, 0 if is_good else count))
        if is_good:
            limit.good(count)
        else:
            limit.poison(count)
            held_once = held_once or is_too_much(history, clock.monotonic())
        assert (limit.exceeded is not None) is held_once
