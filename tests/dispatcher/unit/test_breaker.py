"""When an endpoint is left alone, how it is tried again, and how it gets its places back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.breaker import (
    CLOSED,
    FAILURES_IN_A_ROW,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    SLOW_START_S,
    WINDOW_ATTEMPTS,
    WINDOW_S,
    Breaker,
    BreakerPolicy,
)

START = 1_700_000_000_000
POLICY = BreakerPolicy()
CAP = 16


def after(attempts: str, breaker: Breaker = CLOSED, *, apart: int = 1, start: int = START) -> Breaker:
    """The breaker after attempts that took no time: `.` was delivered, `x` failed, each `apart` ms after the last."""
    for number, attempt in enumerate(attempts):
        at = start + number * apart
        breaker = POLICY.judged(breaker, at, at, delivered=attempt == ".")
    return breaker


@pytest.mark.parametrize(
    ("attempts", "apart", "is_open"),
    [
        pytest.param("." * 100, 1, False, id="all is well"),
        pytest.param("xxxx", 1, False, id="four in a row"),
        pytest.param("xxxxx", 1, True, id="five in a row"),
        pytest.param("xxxx.xxxx.xxxx", 1, False, id="never five in a row, and too few for a share"),
        pytest.param("xxxxx", 3_600_000, True, id="five in a row, an hour between each two"),
        pytest.param("x." * 9 + "x", 1, False, id="half, of 19"),
        pytest.param("x." * 10 + "x", 1, True, id="half, of 20 and one"),
        pytest.param("x.." * 40, 1, False, id="a third"),
        pytest.param("x." * 20, 6_000, False, id="half, but never 20 within a minute"),
        pytest.param("." * 1_000 + "x." * 10 + "x", 1, True, id="half since the first failure, after a good time"),
    ],
)
def test_five_failures_in_a_row_or_half_of_twenty_within_a_minute_open_it(
    attempts: str, apart: int, is_open: bool
) -> None:
    assert after(attempts, apart=apart).is_open is is_open


def test_success_after_success_needs_no_memory() -> None:
    assert after("....") is CLOSED


def test_no_attempt_is_made_until_the_pause_is_over_and_then_one_alone() -> None:
    breaker = after("xxxxx", apart=0)
    probe_at = START + FIRST_PAUSE_S * 1000
    assert [POLICY.limit(breaker, at, CAP) for at in (START, probe_at - 1, probe_at, probe_at + 10**9)] == [0, 0, 1, 1]


def test_each_probe_that_fails_doubles_the_pause_up_to_the_longest() -> None:
    breaker, pauses = after("xxxxx"), []
    for _ in range(10):
        pauses.append(breaker.pause // 1000)
        breaker = POLICY.judged(breaker, breaker.since, breaker.since + 5_000, delivered=False)
    assert pauses == [4, 8, 16, 32, 64, 128, 256, LONGEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


def test_a_pause_begins_when_the_attempt_before_it_has_ended() -> None:
    breaker = POLICY.judged(Breaker(True, START, 8_000), START, START + 10_000, delivered=False)
    assert (breaker.since, breaker.pause) == (START + 26_000, 16_000)


@pytest.mark.parametrize("delivered", [True, False])
@pytest.mark.parametrize("breaker", [Breaker(True, START, 4_000), Breaker(False, START, 4_000)], ids=["open", "closed"])
def test_what_began_before_it_opened_or_closed_tells_nothing(breaker: Breaker, delivered: bool) -> None:
    assert POLICY.judged(breaker, START - 1, START + 9_000, delivered=delivered) is breaker


def test_a_probe_that_succeeds_closes_it_and_the_places_come_back_within_half_a_minute() -> None:
    breaker = POLICY.judged(Breaker(True, START, 64_000), START, START + 100, delivered=True)
    closed_at = START + 100
    assert breaker == Breaker(since=closed_at, pause=64_000)
    shares = [POLICY.limit(breaker, closed_at + SLOW_START_S * 1000 * n // 16, CAP) for n in range(18)]
    assert shares == [1, *range(1, 16), 16, 16]


def test_one_that_opens_again_soon_goes_on_with_the_next_pause_and_later_with_the_first() -> None:
    closed = Breaker(since=START, pause=64_000)
    soon = after("xxxxx", closed, apart=0, start=START + WINDOW_S * 1000 - 1)
    assert soon.pause == 128_000
    late = after("xxxxx", closed, apart=0, start=START + WINDOW_S * 1000)
    assert late.pause == FIRST_PAUSE_S * 1000


def test_a_good_minute_makes_it_forget_everything() -> None:
    shaky = after("xx.x.", Breaker(since=START, pause=4_000))
    assert shaky != CLOSED
    assert POLICY.judged(shaky, START + 61_000, START + 61_000, delivered=True) is CLOSED


def test_time_scale_divides_window_pauses_and_slow_start() -> None:
    scaled = BreakerPolicy(10)
    breaker = CLOSED
    for _ in range(5):
        breaker = scaled.judged(breaker, START, START, delivered=False)
    assert breaker.pause == FIRST_PAUSE_S * 100
    closed = scaled.judged(breaker, breaker.since, breaker.since, delivered=True)
    assert scaled.limit(closed, closed.since + 1_500, CAP) == CAP // 2
    assert scaled.limit(closed, closed.since + 3_000, CAP) == CAP


def test_turned_away_deliveries_come_again_with_the_probe_or_with_the_one_after_it() -> None:
    breaker = Breaker(True, START, 8_000)
    assert POLICY.retry_at(breaker, START - 1) == START
    assert POLICY.retry_at(breaker, START) == START + 8_000


def test_a_pause_that_another_clock_put_far_ahead_keeps_nobody_waiting_for_it() -> None:
    ahead = Breaker(True, START + 365 * 86_400_000, 4_000)
    assert POLICY.limit(ahead, START, CAP) == 1
    assert POLICY.retry_at(ahead, START) == START + 4_000


attempts = st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 10_000), st.booleans()), max_size=80)


@given(attempts, st.sampled_from([1.0, 10.0, 100.0]), st.integers(1, 200))
def test_whatever_happens_it_admits_at_least_a_probe_before_long_and_never_more_than_the_cap(
    history: list[tuple[int, int, bool]], scale: float, cap: int
) -> None:
    policy, breaker, now = BreakerPolicy(scale), CLOSED, START
    longest = LONGEST_PAUSE_S * 1000 / scale
    for wait, duration, delivered in history:
        now += wait
        assert 0 <= policy.limit(breaker, now, cap) <= cap
        if policy.limit(breaker, now, cap) == 0:
            assert now < breaker.since <= now + longest
            now = breaker.since
        assert policy.limit(breaker, now, cap) >= 1
        breaker = policy.judged(breaker, now, now + duration, delivered=delivered)
        now += duration
        assert breaker.in_a_row < FAILURES_IN_A_ROW
        assert breaker.is_open or breaker.tried < WINDOW_ATTEMPTS or 2 * breaker.failed < breaker.tried + 1


@given(st.lists(st.booleans(), max_size=60))
def test_the_last_failure_of_five_in_a_row_opens_it_whatever_came_before(before: list[bool]) -> None:
    breaker = after("".join(".x"[failed] for failed in before))
    if not breaker.is_open:
        assert after("xxxxx", breaker, start=START + 1_000).is_open
