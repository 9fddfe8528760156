"""What a worker learns of an endpoint, and how those that were put off line up."""

import pytest

from carewire_dispatcher.domain.breaker import CLOSED, Breaker, BreakerPolicy
from carewire_dispatcher.domain.pacing import Pace
from carewire_dispatcher.domain.standing import UNKNOWN, Standing
from carewire_testing_dispatcher.deliveries import an_endpoint

NOW = 1_000_000
POLICY = BreakerPolicy()


@pytest.mark.parametrize(
    ("mean", "rate_per_s", "distance"),
    [(160, None, 10), (160, 50, 20), (160, 200, 10), (160, 10_000, 10), (160, 0.1, 10_000)],
)
def test_slots_are_as_far_apart_as_places_or_the_rate_demand(
    mean: int, rate_per_s: float | None, distance: int
) -> None:
    standing = Standing(pace=Pace(mean)).put_off(NOW, an_endpoint(concurrency=16, rate_per_s=rate_per_s))
    assert standing.pace.next_slot == NOW + distance


def test_an_attempt_tells_of_pace_and_health() -> None:
    standing = UNKNOWN.learnt(NOW, NOW + 120, POLICY, delivered=False)
    assert standing.pace.mean_duration == pytest.approx(40)
    assert standing.breaker.in_a_row == 1


def test_when_the_breaker_closes_those_that_come_now_need_not_line_up_behind_those_that_were_put_off() -> None:
    opened = Standing(Breaker(True, NOW, 4_000), Pace(100, NOW + 900_000))
    assert opened.learnt(NOW, NOW + 100, POLICY, delivered=True).pace.next_slot == 0
    assert opened.learnt(NOW, NOW + 100, POLICY, delivered=False).pace.next_slot == NOW + 900_000
    healthy = Standing(CLOSED, Pace(100, NOW + 900))
    assert healthy.learnt(NOW, NOW + 100, POLICY, delivered=True).pace.next_slot == NOW + 900


def test_a_clock_that_was_put_back_during_an_attempt_makes_it_no_shorter_than_nothing() -> None:
    assert UNKNOWN.learnt(NOW, NOW - 5_000, POLICY, delivered=True).pace.mean_duration == pytest.approx(16)
