"""Possible values and ranges."""

from datetime import UTC, datetime

import pytest

from carewire_contracts.values import TypedValue, check_constraints

MARCH_FIFTH = datetime(2026, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize("value", ["", "x", 0, True, [], ["x"], MARCH_FIFTH, {"a": 1}])
def test_without_constraints_everything_is_allowed(value: TypedValue) -> None:
    assert check_constraints(value) is None


@pytest.mark.parametrize(
    ("value", "possible"),
    [
        ("left", ["left", "right"]),
        (2, ["1", "2"]),
        (2, [1, 2.0]),
        (True, ["1", "0"]),
        (False, ["no"]),
        (MARCH_FIFTH, ["2026-03-05"]),
        (["left", "right"], ["left", "right", "both"]),
        ([1, 3], ["1", "2", "3"]),
        ([], ["1"]),
    ],
)
def test_possible_values_are_met_however_they_are_written(value: TypedValue, possible: list[str | int | float]) -> None:
    assert check_constraints(value, possible_values=possible) is None


@pytest.mark.parametrize(
    ("value", "possible"),
    [
        ("Left", ["left", "right"]),
        ("1.0", ["1"]),
        (3, ["1", "2"]),
        (True, [1]),
        (1, ["true"]),
        (["left", "up"], ["left"]),
        ({"a": 1}, ["a"]),
        (MARCH_FIFTH, ["2026-03-06", "x"]),
    ],
)
def test_other_values_are_refused_without_naming_them(value: TypedValue, possible: list[str | int | float]) -> None:
    mismatch = check_constraints(value, possible_values=possible)
    assert str(mismatch) == "expected one of the possible values, found value that is not among them"


@pytest.mark.parametrize("value", [0, 10, 5.5, [0, 10], "99", True, MARCH_FIFTH])
def test_a_range_includes_its_bounds_and_bounds_only_numbers(value: TypedValue) -> None:
    assert check_constraints(value, minimum=0, maximum=10) is None


@pytest.mark.parametrize(
    ("value", "minimum", "maximum", "expected"),
    [
        (-1, 0, None, "number of at least 0"),
        (10.5, None, 10.0, "number of at most 10"),
        ([5, 11], 0.5, 10, "number of at least 0.5 and at most 10"),
    ],
)
def test_a_number_outside_the_range_is_refused(
    value: TypedValue, minimum: float | None, maximum: float | None, expected: str
) -> None:
    mismatch = check_constraints(value, minimum=minimum, maximum=maximum)
    assert mismatch is not None
    assert (mismatch.expected, mismatch.found) == (expected, "number outside the range")
