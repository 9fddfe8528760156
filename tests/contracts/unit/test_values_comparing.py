"""When values are empty, equal and ordered."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.values import is_empty
from carewire_contracts.values.comparing import Items, comparable, equal

MARCH_FIFTH = datetime(2026, 3, 5, tzinfo=UTC)
NAIVE = MARCH_FIFTH.replace(tzinfo=None)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(-2, 2)
    | st.sampled_from(["", "true", "1", "1.0", "no", "x", "2026-03-05", "2026-03-05T00:00:00Z"])
    | st.sampled_from([MARCH_FIFTH, NAIVE])
)
VALUES = st.recursive(
    SCALARS, lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.sampled_from("ab"), parts, max_size=2)
)


def nested(innermost: object) -> object:
    value = innermost
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_what_says_nothing_is_empty(value: object) -> None:
    assert is_empty(value)


@pytest.mark.parametrize("value", [False, 0, 0.0, " ", "null", [None], {"a": None}, MARCH_FIFTH])
def test_what_says_something_is_not_empty(value: object) -> None:
    assert not is_empty(value)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("a", "a"),
        (1, 1.0),
        (10, "10"),
        (10, "10.0"),
        (True, "yes"),
        (False, "0"),
        (MARCH_FIFTH, "2026-03-05"),
        (MARCH_FIFTH, "2026-03-05T01:00:00+01:00"),
        ([1, {"a": [True]}], [1.0, {"a": [True]}]),
        ({"a": 1, "b": None}, {"b": None, "a": 1}),
        (None, None),
    ],
)
def test_equal_values(left: object, right: object) -> None:
    assert equal(left, right)
    assert equal(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("10", "10.0"),
        ("a", "A"),
        ("a", None),
        ("a", ["a"]),
        (1, True),
        (0, False),
        ([1], [True]),
        ({"a": 0}, {"a": False}),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        ([1], ["1"]),
        ({"a": 1}, {"b": 1}),
        ({}, []),
        (10, "ten"),
        (MARCH_FIFTH, NAIVE),
        (float("nan"), float("nan")),
    ],
)
def test_different_values(left: object, right: object) -> None:
    assert not equal(left, right)
    assert not equal(right, left)


def test_depth_of_nesting_does_not_matter() -> None:
    assert equal(nested(1), nested(1))
    assert not equal(nested(1), nested(2))


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        (1, 2.5),
        ("9", "10"),
        ("9", 10),
        (9, "10"),
        (MARCH_FIFTH, "2026-03-06"),
        ("2026-03-05", "2026-03-05T00:00:01Z"),
    ],
)
def test_numbers_and_dates_are_ordered_however_they_are_written(smaller: object, larger: object) -> None:
    pair, reverse = comparable(smaller, larger), comparable(larger, smaller)
    assert pair is not None
    assert reverse is not None
    assert pair[0] < pair[1]
    assert reverse[0] > reverse[1]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("a", "b"),
        ("1", "2026-03-05"),
        ("2026-03-05", "x"),
        (True, False),
        (1, True),
        (1, "x"),
        (1, MARCH_FIFTH),
        (MARCH_FIFTH, NAIVE),
        (NAIVE, MARCH_FIFTH),
        ([1], [2]),
        ({}, 1),
        (None, None),
    ],
)
def test_everything_else_has_no_order(left: object, right: object) -> None:
    assert comparable(left, right) is None
    assert comparable(right, left) is None


@given(VALUES, VALUES)
def test_equality_is_symmetric_and_order_agrees_with_it(left: Any, right: Any) -> None:
    assert equal(left, right) is equal(right, left)
    pair = comparable(left, right)
    if pair is not None and equal(left, right):
        assert pair[0] == pair[1]


@given(st.lists(SCALARS), SCALARS.filter(lambda value: value is not None))
def test_an_index_answers_as_comparing_one_by_one(items: list[object], value: object) -> None:
    assert (value in Items(items)) is any(equal(value, item) for item in items)


@pytest.mark.parametrize("value", [[1], {"a": 1}, None])
def test_arrays_objects_and_nothing_are_in_no_index(value: object) -> None:
    assert value not in Items([value])
