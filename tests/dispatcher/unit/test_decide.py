from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.topics import TIERS
from carewire_dispatcher.domain.decide import HELD_MAX, QUEUED_MAX, Attempt, Drop, Forward, Hold, Load, Queue, decide
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.pacing import Pace
from carewire_dispatcher.domain.tiers import Wheel
from carewire_testing_dispatcher.deliveries import a_delivery, an_endpoint

NOW = 1_000_000
WHEEL = Wheel()
FULL = Load(in_flight=16)


def test_what_is_due_is_attempted() -> None:
    assert decide(NOW, a_delivery(due_at=NOW), an_endpoint(), Load(), WHEEL) == Attempt()


def test_a_copy_is_dropped_whatever_else_holds() -> None:
    assert decide(NOW, a_delivery(), None, Load(), WHEEL, is_copy=True) == Drop()


def test_without_its_endpoint_a_delivery_is_held() -> None:
    assert decide(NOW, a_delivery(), None, Load(), WHEEL) == End(EndStatus.HELD, EndReason.ENDPOINT_DELETED)


def test_a_disabled_endpoint_holds_its_deliveries_due_or_not() -> None:
    expected = End(EndStatus.HELD, EndReason.ENDPOINT_DISABLED)
    for due_at in (NOW, NOW + 50_000):
        assert decide(NOW, a_delivery(due_at=due_at), an_endpoint(enabled=False), Load(), WHEEL) == expected


def test_a_wait_below_the_shortest_tier_is_spent_in_memory() -> None:
    assert decide(NOW, a_delivery(due_at=NOW + 1_999), an_endpoint(), Load(), WHEEL) == Hold(NOW + 1_999)


def test_a_longer_wait_goes_to_a_tier_and_keeps_its_moment() -> None:
    decision = decide(NOW, a_delivery(due_at=NOW + 14_000, hop=3), an_endpoint(), Load(), WHEEL)
    assert decision == Forward(8, a_delivery(due_at=NOW + 14_000, hop=4))


def test_an_endpoint_that_holds_too_much_sends_even_a_short_wait_to_a_tier() -> None:
    decision = decide(NOW, a_delivery(due_at=NOW + 100), an_endpoint(), Load(held=HELD_MAX), WHEEL)
    assert decision == Forward(2, a_delivery(due_at=NOW + 100, hop=1))


def test_at_a_full_but_quick_endpoint_a_delivery_queues() -> None:
    assert decide(NOW, a_delivery(due_at=NOW), an_endpoint(), FULL, WHEEL) == Queue()


def test_at_a_full_and_slow_endpoint_a_delivery_is_diverted_to_the_next_slot() -> None:
    slow = Load(in_flight=16, pace=Pace(mean_duration=40_000, next_slot=NOW + 9_000))
    decision = decide(NOW, a_delivery(due_at=NOW), an_endpoint(), slow, WHEEL)
    assert decision == Forward(8, a_delivery(due_at=NOW + 9_000, hop=1))


def test_a_diversion_counts_no_attempt_and_starts_no_schedule() -> None:
    busy = Load(in_flight=16, queued=QUEUED_MAX)
    decision = decide(NOW, a_delivery(due_at=NOW), an_endpoint(), busy, WHEEL)
    assert isinstance(decision, Forward)
    assert (decision.delivery.attempt, decision.delivery.first_attempt_at) == (0, None)


loads = st.builds(
    Load,
    st.integers(0, 40),
    st.integers(0, 200),
    st.integers(0, 400),
    st.builds(Pace, st.floats(0, 100_000), st.integers(0, 10**9)),
)
endpoints = st.none() | st.builds(an_endpoint, enabled=st.booleans(), concurrency=st.integers(1, 64))


@given(
    st.integers(0, 2 * 10**8),
    endpoints,
    loads,
    st.sampled_from([1.0, 10.0, 100.0]),
    st.booleans(),
)
def test_decisions_are_total_and_never_early(
    due_at: int, endpoint: Endpoint | None, load: Load, scale: float, is_copy: bool
) -> None:
    wheel = Wheel(scale)
    delivery = a_delivery(due_at=due_at)
    decision = decide(NOW, delivery, endpoint, load, wheel, is_copy=is_copy)
    if isinstance(decision, Attempt | Queue):
        assert due_at <= NOW
    if isinstance(decision, Hold):
        assert NOW < decision.until == due_at < NOW + wheel.shortest
    if isinstance(decision, Forward):
        assert decision.tier in TIERS
        assert decision.delivery.hop == delivery.hop + 1
        assert decision.delivery.due_at >= due_at
        wait = decision.delivery.due_at - NOW
        assert wheel.delay(decision.tier) <= max(wait, wheel.shortest)


@given(st.lists(st.integers(0, 20_000), max_size=50), st.integers(1, 64))
def test_diverted_slots_follow_each_other(durations: list[int], concurrency: int) -> None:
    pace = Pace()
    for duration in durations:
        pace = pace.observed(duration)
    assert 0 <= pace.mean_duration <= 20_000
    diverted = pace.diverted(NOW, concurrency)
    assert diverted.next_slot > NOW
    assert diverted.mean_duration == pace.mean_duration
