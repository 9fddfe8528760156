"""GCRA: what conforms to an endpoint's rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain import rate
from carewire_dispatcher.domain.standing import UNKNOWN
from carewire_testing_dispatcher.deliveries import an_endpoint

NOW = 1_000_000


def calls_within(per_second: float, ms: int) -> list[int]:
    """The moments of all calls that conform, when a call is wanted in each millisecond as often as it may be made."""
    used_until, made = 0.0, []
    for now in range(NOW, NOW + ms):
        while rate.free_at(used_until, per_second) <= now:
            used_until = rate.used(used_until, now, per_second)
            made.append(now - NOW)
    return made


@pytest.mark.parametrize(
    ("per_second", "moments"),
    [(1, [0, 1_000, 2_000]), (2, [0, 500, 1_000, 1_500, 2_000, 2_500]), (0.5, [0, 2_000])],
)
def test_up_to_ten_a_second_calls_go_out_one_by_one(per_second: float, moments: list[int]) -> None:
    assert calls_within(per_second, 3_000) == moments


@pytest.mark.parametrize(("per_second", "at_once"), [(10, 1), (20, 2), (100, 10), (1_000, 100), (10_000, 1_000)])
def test_faster_rates_may_use_a_tenth_of_a_second_at_once(per_second: float, at_once: int) -> None:
    assert calls_within(per_second, 1) == [0] * at_once


@given(st.floats(0.01, 2_000), st.integers(1, 3_000))
def test_within_any_time_there_are_no_more_calls_than_the_rate_allows(per_second: float, ms: int) -> None:
    assert len(calls_within(per_second, ms)) <= 1 + (ms + rate.BURST_MS) * per_second / 1000


def test_a_quiet_time_saves_nothing_up_beyond_the_burst() -> None:
    used_until = rate.used(0.0, NOW, 100)
    used_until = rate.used(used_until, NOW + 3_600_000, 100)
    assert used_until == NOW + 3_600_000 + 10


def test_an_endpoint_without_a_rate_remembers_no_calls() -> None:
    assert UNKNOWN.called(NOW, an_endpoint()) is UNKNOWN
    assert UNKNOWN.called(NOW, an_endpoint(rate_per_s=4)).rate_used_until == NOW + 250
