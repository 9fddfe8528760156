"""When it is worth letting records wait for each other, and that a lone one never does."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.kafka.pace import EAGER, GATHERING, LAZY, Flow

SOON = st.floats(0.001, 1.0)


def flow_of(per_second: float, seconds: float = 3.0, *, each: int = 1) -> tuple[Flow, float]:
    """A flow so fast, taken so many at a time, and the moment of its last take."""
    flow, now = Flow(), 0.0
    for _ in range(int(seconds * per_second / each)):
        now += each / per_second
        flow.took(each, now)
    return flow, now


@pytest.mark.parametrize(
    ("per_second", "each", "worth"),
    [
        pytest.param(0.5, 1, False, id="one every two seconds"),
        pytest.param(10, 1, False, id="ten a second"),
        pytest.param(50, 1, False, id="fifty a second"),
        pytest.param(70, 1, False, id="seventy a second"),
        pytest.param(100, 1, True, id="a hundred a second"),
        pytest.param(100, 3, True, id="a hundred a second, gathered by threes"),
        pytest.param(1_000, 20, True, id="a thousand a second"),
    ],
)
def test_records_are_gathered_once_they_come_fast(per_second: float, each: int, worth: bool) -> None:
    flow, now = flow_of(per_second, each=each)
    assert flow.is_worth_gathering(GATHERING, now) is worth


def test_only_who_wants_to_gather_does() -> None:
    flow, now = flow_of(10_000, each=100)
    assert not flow.is_worth_gathering(EAGER, now)


def test_who_is_in_no_hurry_gathers_whatever_follows_something_else() -> None:
    flow = Flow()
    flow.took(1, 0.0)
    assert flow.is_worth_gathering(LAZY, 0.0)


def test_the_first_record_is_not_gathered() -> None:
    flow = Flow()
    assert flow.per_second(0.0) == 0
    flow.took(1, 0.0)
    assert not flow.is_worth_gathering(GATHERING, 0.0)


def test_a_flow_that_dried_up_is_forgotten() -> None:
    flow, now = flow_of(500)
    assert flow.is_worth_gathering(GATHERING, now)
    assert not flow.is_worth_gathering(GATHERING, now + 2)


@given(st.floats(5, 2_000), st.integers(1, 50))
def test_a_steady_flow_is_told_as_fast_as_it_is(per_second: float, each: int) -> None:
    flow, now = flow_of(per_second, each=min(each, max(1, int(per_second / 10))))
    assert flow.per_second(now) == pytest.approx(per_second, rel=0.25)


@given(st.lists(st.tuples(SOON, st.integers(0, 200)), min_size=1))
def test_no_flow_is_faster_than_all_that_was_taken_within_half_a_second(takes: list[tuple[float, int]]) -> None:
    flow, now = Flow(), 0.0
    for pause, records in takes:
        now += pause
        flow.took(records, now)
    assert 0 <= flow.per_second(now) <= sum(records for _, records in takes) / 0.5 + 1e-6


@given(st.lists(SOON, min_size=2), st.integers(1, 200))
def test_while_nothing_comes_a_flow_only_gets_slower(pauses: list[float], records: int) -> None:
    flow = Flow()
    flow.took(records, 0.0)
    moments = [sum(pauses[:number]) for number in range(len(pauses) + 1)]
    assert all(flow.per_second(later) < flow.per_second(sooner) for sooner, later in pairwise(moments))
