"""How an endpoint's speed is learnt, and how diverted deliveries come back at that speed."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.decide import Divert, Load, decide
from carewire_dispatcher.domain.pacing import UNKNOWN_PACE, Pace
from carewire_dispatcher.domain.policy import Policy
from carewire_dispatcher.domain.standing import Standing
from carewire_testing_dispatcher.deliveries import a_delivery, an_endpoint

NOW = 1_000_000


@pytest.mark.parametrize(
    ("mean", "concurrency", "interval"),
    [(20, 16, 1), (160, 16, 10), (10_000, 16, 625), (10_000, 1, 10_000), (0, 200, 1)],
)
def test_an_endpoint_frees_a_place_each_mean_duration_by_concurrency_but_one_a_millisecond_at_most(
    mean: float, concurrency: int, interval: int
) -> None:
    assert Pace(mean).interval(concurrency) == interval
    assert Pace(mean).wait_behind(0, concurrency) == interval
    assert Pace(mean).wait_behind(9, concurrency) == 10 * interval


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=30))
def test_the_mean_stays_within_what_was_seen(durations: list[int]) -> None:
    pace = Pace(durations[0])
    for duration in durations:
        pace = pace.observed(duration)
    assert min(durations) - 1e-6 <= pace.mean_duration <= max(durations) + 1e-6


def test_a_change_of_speed_is_learnt_within_twenty_attempts() -> None:
    pace = Pace(5)
    for _ in range(20):
        pace = pace.observed(10_000)
    assert pace.mean_duration > 9_800
    for _ in range(30):
        pace = pace.observed(5)
    assert pace.mean_duration < 20


def test_learning_leaves_the_next_slot_alone_and_diverting_the_mean() -> None:
    pace = Pace(100, 7)
    assert pace.observed(200).next_slot == 7
    assert pace.diverted(50, 25) == Pace(100, 75)
    assert Pace() == UNKNOWN_PACE


@given(st.integers(1, 64), st.integers(1, 10_000), st.integers(2, 60))
def test_a_backlog_comes_back_no_faster_than_the_endpoint_can_take_it(
    concurrency: int, mean: int, backlog: int
) -> None:
    endpoint, policy, standing = an_endpoint(concurrency=concurrency), Policy.scaled(), Standing(pace=Pace(mean))
    dues = []
    for _ in range(backlog):
        full = Load(in_flight=concurrency, standing=standing, is_strained=True)
        decision = decide(NOW, a_delivery(due_at=NOW), endpoint, full, policy)
        assert isinstance(decision, Divert)
        dues.append(decision.delivery.due_at)
        standing = standing.put_off(decision.delivery.due_at, endpoint)
    furthest = NOW + policy.wheel.delay(2048)
    gaps = [later - earlier for earlier, later in itertools.pairwise(dues)]
    assert dues[0] == NOW + policy.wheel.shortest
    assert all(
        gap == standing.pace.interval(concurrency) for gap, due in zip(gaps, dues[1:], strict=True) if due < furthest
    )
    assert max(dues) <= furthest
