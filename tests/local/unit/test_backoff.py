"""The policy of restarts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_local.backoff import BackOff


@pytest.mark.parametrize(("deaths", "pause"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 3.0), (50, 3.0)])
def test_each_death_in_a_row_doubles_the_pause_up_to_the_longest(deaths: int, pause: float) -> None:
    assert BackOff(first_s=0.5, factor=2, longest_s=3).pause_s(deaths) == pause


@pytest.mark.parametrize(("before", "lived", "counted"), [(0, 1, 1), (3, 1, 4), (3, 19.9, 4), (3, 20, 1), (9, 500, 1)])
def test_a_service_that_lived_long_enough_is_forgiven_its_earlier_deaths(
    before: int, lived: float, counted: int
) -> None:
    assert BackOff(healthy_after_s=20).deaths_in_a_row(before, lived) == counted


@given(deaths=st.integers(1, 500))
def test_a_pause_never_shrinks_while_deaths_go_on(deaths: int) -> None:
    policy = BackOff()
    assert policy.first_s <= policy.pause_s(deaths) <= policy.pause_s(deaths + 1) <= policy.longest_s
