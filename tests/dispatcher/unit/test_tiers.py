import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.topics import TIERS
from carewire_dispatcher.domain.tiers import Wheel

DAY = 86_400_000
scales = st.sampled_from([1.0, 10.0, 100.0])


@pytest.mark.parametrize(("wait", "tier"), [(0, None), (1_999, None), (2_000, 2), (7_999, 2), (8_000, 8), (DAY, 32768)])
def test_a_wait_goes_to_the_largest_tier_that_does_not_outlast_it(wait: int, tier: int | None) -> None:
    assert Wheel().tier_for(wait) == tier


@given(st.integers(0, DAY), scales)
def test_a_walk_never_outlasts_its_wait_and_leaves_less_than_the_shortest_delay(wait: int, scale: float) -> None:
    wheel = Wheel(scale)
    rest = wait - sum(wheel.delay(tier) for tier in wheel.path(wait))
    assert 0 <= rest < wheel.shortest


@given(st.integers(0, DAY))
def test_every_walk_is_short(wait: int) -> None:
    walked = Wheel().path(wait)
    # Powers of four: at most three of a tier before the next larger one fits, and two of the largest in a day.
    assert len(walked) <= 2 + 3 * (len(TIERS) - 1)
    assert list(walked) == sorted(walked, reverse=True)


def test_time_scale_divides_the_delays() -> None:
    assert [Wheel(10).delay(tier) for tier in TIERS[:3]] == [200, 800, 3_200]
