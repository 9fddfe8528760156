"""How waits are made of tiers."""

from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.topics import TIERS
from carewire_dispatcher.domain.schedule import LAST_SLOT, OFFSETS_S, RetrySchedule
from carewire_dispatcher.domain.tiers import Wheel

DAY = 86_400_000
WHEEL = Wheel()
waits = st.integers(0, DAY)


@given(waits, st.sampled_from([1.0, 7.0, 10.0, 100.0]))
def test_tiers_and_the_time_in_memory_make_up_the_wait_exactly(wait: int, scale: float) -> None:
    wheel = Wheel(scale)
    delays = [wheel.delay(tier) for tier in wheel.path(wait)]
    held = wait - sum(delays)
    assert 0 <= held < wheel.shortest


@given(waits)
def test_no_tier_but_the_largest_is_gone_through_more_than_three_times(wait: int) -> None:
    path = WHEEL.path(wait)
    assert all(path.count(tier) <= 3 for tier in TIERS[:-1])
    assert path.count(TIERS[-1]) <= 2


@given(waits, waits)
def test_a_longer_wait_never_starts_in_a_shorter_tier(one: int, other: int) -> None:
    first, second = (WHEEL.tier_for(wait) or 0 for wait in sorted((one, other)))
    assert first <= second


def test_a_wait_that_is_over_goes_nowhere() -> None:
    assert [WHEEL.tier_for(wait) for wait in (-DAY, -1, 0)] == [None, None, None]


def test_the_walks_of_the_schedule_are_short() -> None:
    steps = [RetrySchedule().offset(n) - RetrySchedule().offset(n - 1) for n in range(1, LAST_SLOT + 1)]
    hops = [len(WHEEL.path(step)) for step in steps]
    # Steps double and tiers are powers of four, so each step is one or two hops of its tier.
    assert hops[:-1] == [1 if step in {tier * 1000 for tier in TIERS} else 2 for step in steps[:-1]]
    assert sum(hops) < 40
    assert OFFSETS_S[-1] == 86_400
