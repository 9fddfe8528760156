"""Laws of values that hold whatever the values are: of equality, order, emptiness, constraints and indexes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.values import Constraints, Mismatch, Parsed, ValueType, check_constraints, is_empty, parse_value
from carewire_contracts.values.comparing import Items, comparable, equal
from carewire_contracts.values.soundness import json_fault, name_of

NUMBERS = st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TEXTS = st.text(max_size=6) | st.sampled_from(["yes", "0", "10", "1e1", "2026-03-05", "2026-03-05T00:00:00Z"])
SCALARS = st.booleans() | NUMBERS | MOMENTS | TEXTS
VALUES = st.recursive(
    st.none() | SCALARS,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=2), parts, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_a_value_equals_itself(value: Any) -> None:
    assert equal(value, value)


@given(st.lists(NUMBERS, min_size=3, max_size=3))
def test_order_of_numbers_is_theirs_however_they_are_written(numbers: list[float]) -> None:
    low, middle, high = sorted(numbers)
    for left, right in ((low, middle), (middle, high), (low, high)):
        for written in ((left, right), (str(left), right), (left, str(right))):
            pair = comparable(*written)
            if pair is not None:  # a float such as 1e-05 is written as JSON writes it, or it is no number
                assert pair[0] <= pair[1]


@given(MOMENTS, st.timedeltas(timedelta(milliseconds=1), timedelta(days=3_000)))
def test_a_later_moment_is_greater_in_every_spelling(moment: datetime, later: timedelta) -> None:
    moment = moment.replace(microsecond=0)
    after = (moment + later).replace(microsecond=0)
    for written in ((moment, after), (moment.isoformat(), after), (moment, after.isoformat())):
        pair = comparable(*written)
        assert pair is not None
        assert pair[0] <= pair[1]


@given(SCALARS, SCALARS)
def test_what_has_an_order_one_way_has_it_the_other_way(left: Any, right: Any) -> None:
    assert (comparable(left, right) is None) is (comparable(right, left) is None)


@given(st.booleans(), NUMBERS)
def test_a_boolean_is_no_number(truth: bool, number: float) -> None:
    assert not equal(truth, number)
    assert comparable(truth, number) is None


@given(VALUES)
def test_empty_is_what_says_nothing_and_nothing_else(value: Any) -> None:
    assert is_empty(value) is (value is None or (value in ("", [], {}) and not isinstance(value, bool | int | float)))


@given(st.lists(SCALARS, max_size=6), SCALARS)
def test_an_index_finds_every_item_that_it_was_given(items: list[Any], other: Any) -> None:
    index = Items(items)
    assert all(item in index for item in items)
    assert (other in index) is any(equal(other, item) for item in items)


@given(st.lists(NUMBERS, max_size=5), NUMBERS, NUMBERS)
def test_an_array_is_within_a_range_if_each_item_is(items: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    whole = check_constraints(items, minimum=low, maximum=high)
    parts = [check_constraints(item, minimum=low, maximum=high) for item in items]
    assert (whole is None) is all(part is None for part in parts)


@given(NUMBERS, st.none() | NUMBERS, st.none() | NUMBERS)
def test_bounds_are_included_and_an_absent_one_is_open(
    number: float, minimum: float | None, maximum: float | None
) -> None:
    within = (minimum is None or number >= minimum) and (maximum is None or number <= maximum)
    assert (check_constraints(number, minimum=minimum, maximum=maximum) is None) is within


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=4), st.integers(-5, 5))
def test_possible_values_are_the_same_as_numbers_and_as_text(possible: list[int], value: int) -> None:
    as_numbers = check_constraints(value, possible_values=possible)
    as_text = check_constraints(value, possible_values=[str(one) for one in possible])
    assert as_numbers == as_text
    assert (as_numbers is None) is (value in possible)


@given(st.lists(TEXTS, min_size=1, max_size=4), st.lists(TEXTS, max_size=4))
def test_constraints_prepared_once_answer_as_if_made_each_time(possible: list[str], values: list[str]) -> None:
    prepared = Constraints(possible_values=possible)
    for value in values:
        assert prepared.check(value) == check_constraints(value, possible_values=possible)


@given(st.sampled_from(ValueType), VALUES)
def test_a_parsed_value_is_sound_and_a_second_reading_changes_nothing(value_type: ValueType, raw: Any) -> None:
    outcome = parse_value(raw, value_type)
    if isinstance(outcome, Parsed) and not isinstance(outcome.value, datetime):
        assert json_fault(outcome.value) is None
        if not isinstance(outcome.value, str) or value_type is ValueType.STRING:
            assert parse_value(outcome.value, value_type) == outcome


@given(st.sampled_from(ValueType), VALUES)
def test_a_refusal_has_both_halves_of_its_sentence(value_type: ValueType, raw: Any) -> None:
    outcome = parse_value(raw, value_type)
    if isinstance(outcome, Mismatch):
        assert outcome.expected
        assert outcome.found
        assert str(outcome) == f"expected {outcome.expected}, found {outcome.found}"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "boolean"),
        (0, "number"),
        (0.5, "number"),
        ("", "string"),
        ([], "array"),
        ({}, "object"),
        ((), "unsupported"),
        (b"", "unsupported"),
        (datetime(2026, 3, 5, tzinfo=UTC), "unsupported"),
    ],
    ids=repr,
)
def test_json_has_six_kinds_and_the_rest_is_unsupported(value: Any, name: str) -> None:
    assert name_of(value) == name
