import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.topics import TIERS
from carewire_dispatcher.domain.breaker import Breaker
from carewire_dispatcher.domain.decide import (
    ASKED_AGAIN_MS,
    HEARD_WITHIN_MS,
    HELD_MAX,
    Attempt,
    Divert,
    Drop,
    Forward,
    Hold,
    Load,
    Queue,
    decide,
)
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.pacing import Pace
from carewire_dispatcher.domain.policy import Policy
from carewire_dispatcher.domain.standing import Standing
from carewire_testing_dispatcher.deliveries import a_delivery, an_endpoint

NOW = 1_000_000
POLICY = Policy.scaled()
FULL = Load(in_flight=16)


def test_what_is_due_is_attempted() -> None:
    assert decide(NOW, a_delivery(due_at=NOW), an_endpoint(), Load(), POLICY) == Attempt()


def test_a_copy_is_dropped_whatever_else_holds() -> None:
    assert decide(NOW, a_delivery(), None, Load(), POLICY, is_copy=True) == Drop()


def test_without_its_endpoint_a_delivery_is_held() -> None:
    deleted = End(EndStatus.HELD, EndReason.ENDPOINT_DELETED)
    assert decide(NOW, a_delivery(hop=1), None, Load(), POLICY) == deleted
    assert decide(NOW + HEARD_WITHIN_MS, a_delivery(), None, Load(), POLICY) == deleted
    assert decide(NOW, a_delivery(), None, Load(held=HELD_MAX), POLICY) == deleted


def test_what_was_made_just_now_waits_for_its_endpoint_to_be_heard_of() -> None:
    for now in (NOW, NOW + HEARD_WITHIN_MS - 1):
        assert decide(now, a_delivery(), None, Load(held=HELD_MAX - 1), POLICY) == Hold(now + ASKED_AGAIN_MS)


def test_a_disabled_endpoint_holds_its_deliveries_due_or_not() -> None:
    expected = End(EndStatus.HELD, EndReason.ENDPOINT_DISABLED)
    for due_at in (NOW, NOW + 50_000):
        assert decide(NOW, a_delivery(due_at=due_at), an_endpoint(enabled=False), Load(), POLICY) == expected


def test_a_wait_below_the_shortest_tier_is_spent_in_memory() -> None:
    delivery = a_delivery(due_at=NOW + 1_999, first_attempt_at=NOW - 1)
    assert decide(NOW, delivery, an_endpoint(), Load(), POLICY) == Hold(NOW + 1_999)


@pytest.mark.parametrize(
    ("load", "decision"),
    [
        pytest.param(Load(), Attempt(), id="a place is free"),
        pytest.param(FULL, Queue(), id="one will be in a moment"),
        pytest.param(Load(in_flight=16, is_strained=True), Hold(NOW + 1_999), id="none is"),
        pytest.param(Load(in_flight=16, held=HELD_MAX, is_strained=True), None, id="none is, in memory either"),
    ],
)
def test_what_was_never_tried_goes_a_moment_early_where_there_is_a_place(
    load: Load, decision: Attempt | Queue | Hold | None
) -> None:
    """It was put off to when a place was likely to be free, and no schedule says when it is due."""
    delivery = a_delivery(due_at=NOW + 1_999)
    expected = decision or Forward(2, a_delivery(due_at=NOW + 1_999, hop=1))
    assert decide(NOW, delivery, an_endpoint(), load, POLICY) == expected


def test_a_rate_that_is_used_up_lets_nothing_go_early() -> None:
    load = Load(standing=Standing(rate_used_until=NOW + 5_000))
    assert decide(NOW, a_delivery(due_at=NOW + 10), an_endpoint(rate_per_s=1), load, POLICY) == Hold(NOW + 10)


def test_a_longer_wait_goes_to_a_tier_and_keeps_its_moment() -> None:
    decision = decide(NOW, a_delivery(due_at=NOW + 14_000, hop=3), an_endpoint(), Load(), POLICY)
    assert decision == Forward(8, a_delivery(due_at=NOW + 14_000, hop=4))


def test_an_endpoint_that_holds_too_much_sends_even_a_short_wait_to_a_tier() -> None:
    delivery = a_delivery(due_at=NOW + 100, first_attempt_at=NOW - 1)
    decision = decide(NOW, delivery, an_endpoint(), Load(held=HELD_MAX), POLICY)
    assert decision == Forward(2, a_delivery(due_at=NOW + 100, first_attempt_at=NOW - 1, hop=1))


def test_at_a_full_but_quick_endpoint_a_delivery_queues() -> None:
    assert decide(NOW, a_delivery(due_at=NOW), an_endpoint(), FULL, POLICY) == Queue()


def test_at_a_full_and_slow_endpoint_a_delivery_is_diverted_to_the_next_slot() -> None:
    slow = Load(in_flight=16, standing=Standing(pace=Pace(mean_duration=40_000, next_slot=NOW + 9_000)))
    decision = decide(NOW, a_delivery(due_at=NOW), an_endpoint(), slow, POLICY)
    assert decision == Divert(8, a_delivery(due_at=NOW + 9_000, hop=1))


def test_a_diversion_counts_no_attempt_and_starts_no_schedule() -> None:
    busy = Load(in_flight=16, is_strained=True)
    decision = decide(NOW, a_delivery(due_at=NOW), an_endpoint(), busy, POLICY)
    assert isinstance(decision, Divert)
    assert (decision.delivery.attempt, decision.delivery.first_attempt_at) == (0, None)


def test_a_paused_endpoint_holds_its_deliveries_due_or_not() -> None:
    expected = End(EndStatus.HELD, EndReason.ENDPOINT_PAUSED)
    for due_at in (NOW, NOW + 50_000):
        assert decide(NOW, a_delivery(due_at=due_at), an_endpoint(paused=True), Load(), POLICY) == expected


def test_the_last_attempt_of_an_endpoint_s_own_schedule_is_made_breaker_or_not() -> None:
    open_ = Load(standing=Standing(Breaker(is_open=True, since=NOW + 4_000, pause=4_000)))
    first_hour = a_delivery(due_at=NOW, first_attempt_at=NOW - 3_600_000, attempt=1, slot=1)
    assert isinstance(decide(NOW, first_hour, an_endpoint(), open_, POLICY), Divert)
    assert decide(NOW, first_hour, an_endpoint(retry_offsets_s=(0, 3_600)), open_, POLICY) == Attempt()


def test_nothing_is_put_off_beyond_the_end_of_an_endpoint_s_own_schedule() -> None:
    pace = Pace(mean_duration=40_000, next_slot=NOW + 900_000)
    busy = Load(in_flight=16, standing=Standing(pace=pace))
    tried = a_delivery(due_at=NOW, first_attempt_at=NOW - 10_000, attempt=1, slot=1)
    decision = decide(NOW, tried, an_endpoint(retry_offsets_s=(0, 60)), busy, POLICY)
    assert decision == Divert(32, tried.forwarded(due_at=NOW + 50_000))


breakers = st.builds(
    Breaker, st.booleans(), st.integers(NOW - 10**6, NOW + 10**6), st.sampled_from([0, 4_000, 512_000])
)
paces = st.builds(Pace, st.floats(0, 100_000), st.integers(0, 10**9))
standings = st.builds(Standing, breakers, paces, st.floats(0, 2 * NOW))
loads = st.builds(
    Load, st.integers(0, 40), st.integers(0, 200), st.integers(0, 400), standings, st.booleans(), st.booleans()
)
rates = st.none() | st.floats(0.01, 10_000)
schedules = st.none() | st.sampled_from([(0,), (0, 60), (0, 3_600)])
endpoints = st.none() | st.builds(
    an_endpoint,
    enabled=st.booleans(),
    paused=st.booleans(),
    concurrency=st.integers(1, 64),
    rate_per_s=rates,
    retry_offsets_s=schedules,
)


@given(
    st.integers(0, 2 * 10**8),
    st.none() | st.integers(-86_400_000, NOW),
    endpoints,
    loads,
    st.sampled_from([1.0, 10.0, 100.0]),
    st.booleans(),
)
def test_decisions_are_total_and_never_early_and_put_nothing_off_beyond_the_schedule_s_end(
    due_at: int, first_attempt_at: int | None, endpoint: Endpoint | None, load: Load, scale: float, is_copy: bool
) -> None:
    policy = Policy.scaled(scale)
    delivery = a_delivery(due_at=due_at, first_attempt_at=first_attempt_at)
    decision = decide(NOW, delivery, endpoint, load, policy, is_copy=is_copy)
    if isinstance(decision, Attempt | Queue):
        assert due_at <= NOW
    if isinstance(decision, Hold):
        assert max(NOW, due_at - 1) < decision.until < NOW + policy.wheel.shortest
    if isinstance(decision, Forward):
        assert decision.delivery == delivery.forwarded()
    if isinstance(decision, Divert):
        assert due_at <= NOW < decision.delivery.due_at <= NOW + policy.wheel.delay(2048)
        assert endpoint is not None
        schedule = policy.schedule.of(endpoint.retry_offsets_s)
        if first_attempt_at is not None and schedule.horizon(first_attempt_at) > NOW:
            assert decision.delivery.due_at <= schedule.horizon(first_attempt_at)
    if isinstance(decision, Forward | Divert):
        assert decision.tier in TIERS
        wait = decision.delivery.due_at - NOW
        assert policy.wheel.delay(decision.tier) <= max(wait, policy.wheel.shortest)


@given(st.lists(st.integers(0, 20_000), max_size=50), st.integers(1, 64))
def test_diverted_slots_follow_each_other(durations: list[int], concurrency: int) -> None:
    pace = Pace()
    for duration in durations:
        pace = pace.observed(duration)
    assert 0 <= pace.mean_duration <= 20_000
    diverted = pace.diverted(NOW, pace.interval(concurrency))
    assert diverted.next_slot > NOW
    assert diverted.mean_duration == pace.mean_duration
