import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_ingress.domain.broker_clock import BrokerClock

BROKER_EPOCH = 1_800_000_000.0


def test_the_time_is_unknown_before_the_first_acknowledgement() -> None:
    clock = BrokerClock()
    assert not clock.is_known
    with pytest.raises(ValueError, match="no acknowledgement"):
        clock.milliseconds_at(0)


def test_one_acknowledgement_bounds_the_error_by_its_round_trip() -> None:
    clock = BrokerClock()
    clock.observe(sent=100.0, acknowledged=100.010, appended_ms=1_800_000_000_000)
    assert clock.is_known
    assert abs(clock.milliseconds_at(100.005) - BROKER_EPOCH * 1000) <= 6


def test_a_slow_acknowledgement_does_not_spoil_what_a_fast_one_taught() -> None:
    clock = BrokerClock()
    clock.observe(100.0, 100.002, 1_800_000_000_001)
    before = clock.milliseconds_at(200)
    clock.observe(150.0, 155.0, 1_800_000_054_000)
    assert abs(clock.milliseconds_at(200) - before) < 2


def test_a_step_of_the_brokers_clock_is_followed_at_once() -> None:
    clock = BrokerClock()
    clock.observe(100.0, 100.002, 1_800_000_000_001)
    clock.observe(110.0, 110.002, 1_800_003_610_001)
    assert abs(clock.milliseconds_at(110.001) - (BROKER_EPOCH + 3610) * 1000) < 10


trips = st.lists(st.tuples(st.floats(0, 0.2), st.floats(0, 0.2)), min_size=1, max_size=20)


@given(trips, st.floats(-1e6, 1e6))
def test_the_error_never_exceeds_the_shortest_round_trip(trips: list[tuple[float, float]], offset: float) -> None:
    clock = BrokerClock()
    sent = 0.0
    for out, back in trips:
        appended = BROKER_EPOCH + offset + sent + out
        clock.observe(sent, sent + out + back, int(appended * 1000))
        sent += 1
    truth = BROKER_EPOCH + offset + 5
    shortest = min(out + back for out, back in trips)
    assert abs(clock.milliseconds_at(5) / 1000 - truth) <= shortest + 0.002
