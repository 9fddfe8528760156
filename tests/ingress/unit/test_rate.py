"""How fast a webhook may be called: never more than was allowed, and always what was."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_ingress.domain.rate import Allowed, RateLimit, RateState, TooMany, arrive

FRESH = RateState()


def allowed_at(limit: RateLimit, moments: list[float], state: RateState = FRESH) -> list[float]:
    """The moments at which a call was allowed."""
    taken = []
    for now in moments:
        arrival = arrive(state, limit, now)
        if isinstance(arrival, Allowed):
            state = arrival.state
            taken.append(now)
    return taken


def spent(limit: RateLimit, now: float) -> RateState:
    """The state right after all of the burst was used."""
    state = FRESH
    for _ in range(limit.burst):
        arrival = arrive(state, limit, now)
        assert isinstance(arrival, Allowed)
        state = arrival.state
    return state


@pytest.mark.parametrize(
    ("limit", "moments", "taken"),
    [
        pytest.param(RateLimit(1, 1), [0, 0.5, 1, 1.5, 2], [0, 1, 2], id="one a second"),
        pytest.param(RateLimit(1, 3), [0, 0, 0, 0, 1, 1], [0, 0, 0, 1], id="a burst, then one a second"),
        pytest.param(RateLimit(1, 2), [0, 0, 10, 10, 10], [0, 0, 10, 10], id="a pause refills the burst, no more"),
        pytest.param(RateLimit(0.25, 1), [0, 3, 4, 7, 8], [0, 4, 8], id="less than one a second"),
        pytest.param(RateLimit(2, 2), [0, 0, 0.25, 0.5, 0.5, 1], [0, 0, 0.5, 1], id="a part of the burst refills"),
    ],
)
def test_which_calls_are_allowed(limit: RateLimit, moments: list[float], taken: list[float]) -> None:
    assert allowed_at(limit, moments) == taken


@pytest.mark.parametrize(
    ("limit", "later", "retry_after"),
    [
        (RateLimit(1, 1), 0, 1),
        (RateLimit(1, 1), 0.75, 0.25),
        (RateLimit(4, 3), 0, 0.25),
        (RateLimit(0.125, 5), 2, 6),
    ],
)
def test_a_refusal_says_when_one_is_allowed_again(limit: RateLimit, later: float, retry_after: float) -> None:
    arrival = arrive(spent(limit, 1_000), limit, 1_000 + later)
    assert arrival == TooMany(retry_after)


def test_a_fresh_state_has_the_whole_burst_whatever_the_clock_says() -> None:
    for now in (-1e6, 0, 1e9):
        assert len(allowed_at(RateLimit(1, 5), [now] * 9)) == 5


def test_a_limit_that_was_changed_counts_at_once() -> None:
    state = spent(RateLimit(0.01, 10), 0)
    assert isinstance(arrive(state, RateLimit(0.01, 10), 1), TooMany)
    faster = arrive(state, RateLimit(10, 10), 1)
    assert isinstance(faster, TooMany)
    assert faster.retry_after_s == pytest.approx(0.1)


# Powers of two, so that every sum below is exact.
rates = st.integers(-4, 10).map(lambda power: 2.0**power)
limits = st.builds(RateLimit, per_second=rates, burst=st.integers(1, 20))
steps = st.integers(0, 256).map(lambda step: step / 64)


def moments_of(pauses: list[float]) -> list[float]:
    moments = [1_024.0]
    for pause in pauses:
        moments.append(moments[-1] + pause)
    return moments


@given(limits, st.lists(steps, max_size=60))
def test_no_window_has_more_than_the_burst_and_the_rate_times_its_length(limit: RateLimit, pauses: list[float]) -> None:
    taken = allowed_at(limit, moments_of(pauses))
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            length = Fraction(taken[last]) - Fraction(taken[first])
            assert last - first + 1 <= limit.burst + Fraction(limit.per_second) * length


@given(limits, st.lists(steps, max_size=60))
def test_who_keeps_to_the_rate_is_never_refused(limit: RateLimit, pauses: list[float]) -> None:
    moments = moments_of([pause + 1 / limit.per_second for pause in pauses])
    assert allowed_at(limit, moments) == moments


@given(
    st.floats(0.001, 100_000),
    st.integers(1, 1_000),
    st.floats(0, 1e7),
    st.integers(1, 50),
)
def test_rounding_refuses_nobody_who_keeps_to_the_rate(rate: float, burst: int, start: float, count: int) -> None:
    moments = [start + number / rate for number in range(count)]
    assert allowed_at(RateLimit(rate, burst), moments) == moments


@given(limits, st.lists(steps, max_size=30), steps)
def test_whoever_waits_as_told_is_allowed(limit: RateLimit, pauses: list[float], later: float) -> None:
    moments = moments_of(pauses)
    state = FRESH
    for now in moments:
        arrival = arrive(state, limit, now)
        if isinstance(arrival, Allowed):
            state = arrival.state
        else:
            assert arrival.retry_after_s > 0
            assert isinstance(arrive(state, limit, now + arrival.retry_after_s + later), Allowed)


@given(limits, st.lists(st.integers(-4_096, 256).map(lambda step: step / 64), max_size=60))
def test_a_clock_that_steps_back_costs_one_calls_share_at_most(limit: RateLimit, jumps: list[float]) -> None:
    state = FRESH
    for now in moments_of(jumps):
        arrival = arrive(state, limit, now)
        if isinstance(arrival, Allowed):
            state = arrival.state
            assert math.isfinite(state.full_at_s)
        else:
            assert 0 < arrival.retry_after_s <= 1 / limit.per_second


@given(limits, steps)
def test_a_clock_that_steps_back_gives_no_burst_away(limit: RateLimit, back: float) -> None:
    state = spent(limit, 1_024)
    assert allowed_at(limit, [1_024 - back] * 5, state) == []
