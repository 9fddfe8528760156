"""Every operator with every kind of value."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carewire_contracts.rules import OFFERED_OPERATORS, Condition, Operator, Rule, evaluate
from carewire_contracts.rules.deciding import DECISIONS
from carewire_contracts.rules.operators import OPERAND_SHAPES, SPEAKS_OF_EMPTY
from carewire_contracts.values import ValueType

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)
EQUALITY = ("is_equal_to", "is_not_equal_to")
MEMBERSHIP = ("is_any_of", "is_none_of")
CONTAINMENT = ("contains", "does_not_contain")

# positive operator, its negative, value, operand, whether the positive one is satisfied
PAIRS: list[tuple[tuple[str, str], Any, Any, bool]] = [
    (EQUALITY, 5, 5, True),
    (EQUALITY, 5, "5", True),
    (EQUALITY, 5, 6, False),
    (EQUALITY, "a", "a", True),
    (EQUALITY, "a", "A", False),
    (EQUALITY, "a", "", False),
    (EQUALITY, MIDNIGHT, "2026-03-05", True),
    (EQUALITY, MIDNIGHT, "2026-03-06", False),
    (EQUALITY, MIDNIGHT, "someday", False),
    (EQUALITY, "+442071838750", "+442071838750", True),
    (EQUALITY, {"a": [1]}, {"a": [1.0]}, True),
    (EQUALITY, {"a": [1]}, {"a": [True]}, False),
    (EQUALITY, True, True, True),
    (EQUALITY, True, 1, False),
    (MEMBERSHIP, 5, [4, 5], True),
    (MEMBERSHIP, 5, ["5"], True),
    (MEMBERSHIP, 5, [4], False),
    (MEMBERSHIP, 5, [], False),
    (MEMBERSHIP, 5, 5, False),
    (MEMBERSHIP, "a", ["a", "b"], True),
    (MEMBERSHIP, "a", ["A"], False),
    (MEMBERSHIP, ["a", "b"], ["b", "c"], True),
    (MEMBERSHIP, ["a", "b"], ["c"], False),
    (MEMBERSHIP, [1, 2], ["2"], True),
    (MEMBERSHIP, [1, 2], [3, True], False),
    (CONTAINMENT, "knee pain", "pain", True),
    (CONTAINMENT, "knee pain", "Pain", False),
    (CONTAINMENT, "knee pain", 5, False),
    (CONTAINMENT, ["a", "b"], "b", True),
    (CONTAINMENT, ["ab"], "b", False),
    (CONTAINMENT, [1, 2], 2, True),
    (CONTAINMENT, [1, 2], "2", True),
    (CONTAINMENT, [1, 2], 3, False),
    (CONTAINMENT, 5, 5, False),
    (CONTAINMENT, {"a": 1}, "a", False),
    (("is_true", "is_not_true"), True, None, True),
    (("is_true", "is_not_true"), False, None, False),
    (("is_true", "is_not_true"), "yes", None, True),
    (("is_true", "is_not_true"), "0", None, False),
    (("is_true", "is_not_true"), 1, None, False),
    (("is_empty", "is_not_empty"), "", None, True),
    (("is_empty", "is_not_empty"), [], None, True),
    (("is_empty", "is_not_empty"), {}, None, True),
    (("is_empty", "is_not_empty"), None, None, True),
    (("is_empty", "is_not_empty"), 0, None, False),
    (("is_empty", "is_not_empty"), False, None, False),
    (("is_empty", "is_not_empty"), MIDNIGHT, None, False),
    (("has_file_uploaded", "has_no_file_uploaded"), "https://files.example/1", None, True),
    (("has_file_uploaded", "has_no_file_uploaded"), ["https://files.example/1"], None, True),
    (("has_file_uploaded", "has_no_file_uploaded"), [], None, False),
    (("has_file_uploaded", "has_no_file_uploaded"), None, None, False),
]

SINGLE: list[tuple[str, Any, Any, bool]] = [
    ("is_greater_than", 6, 5, True),
    ("is_greater_than", 5, 5, False),
    ("is_greater_than", "10", "9", True),
    ("is_greater_than", NOW, "2026-03-05", True),
    ("is_greater_than", MIDNIGHT, "2026-03-05", False),
    ("is_greater_than", "b", "a", False),
    ("is_greater_than", True, 0, False),
    ("is_greater_than_or_equal_to", 5, 5, True),
    ("is_greater_than_or_equal_to", 4.9, 5, False),
    ("is_greater_than_or_equal_to", MIDNIGHT, "2026-03-05", True),
    ("is_greater_than_or_equal_to", [5], 5, False),
    ("is_less_than", 4, "5", True),
    ("is_less_than", 5, 5, False),
    ("is_less_than", "2026-03-04", "2026-03-05", True),
    ("is_less_than", "a", "b", False),
    ("is_less_than_or_equal_to", 5, 5, True),
    ("is_less_than_or_equal_to", 6, 5, False),
    ("is_less_than_or_equal_to", MIDNIGHT, NOW.isoformat(), True),
    ("is_less_than_or_equal_to", {"a": 1}, 5, False),
    ("is_less_than_or_equal_to", float("nan"), 5, False),
    ("is_in_range", 1, [1, 3], True),
    ("is_in_range", 3, [1, 3], True),
    ("is_in_range", "2", ["1", "3"], True),
    ("is_in_range", 0.9, [1, 3], False),
    ("is_in_range", 3.1, [1, 3], False),
    ("is_in_range", MIDNIGHT, ["2026-03-01", "2026-03-31"], True),
    ("is_in_range", 2, [3, 1], False),
    ("is_in_range", 2, [1], False),
    ("is_in_range", 2, 2, False),
    ("is_in_range", "x", [1, 3], False),
    ("is_today", MIDNIGHT, None, True),
    ("is_today", "2026-03-05", None, True),
    ("is_today", MIDNIGHT + timedelta(hours=24, milliseconds=-1), None, True),
    ("is_today", MIDNIGHT + timedelta(hours=24), None, False),
    ("is_today", MIDNIGHT - timedelta(milliseconds=1), None, False),
    ("is_today", "2026-03-05T23:30:00-02:00", None, False),
    ("is_today", "today", None, False),
    ("is_today", 5, None, False),
    ("is_less_than_x_days_ago", NOW, 1, True),
    ("is_less_than_x_days_ago", NOW - timedelta(hours=23, minutes=59), 1, True),
    ("is_less_than_x_days_ago", NOW - timedelta(days=1), 1, False),
    ("is_less_than_x_days_ago", NOW + timedelta(seconds=1), 1, False),
    ("is_less_than_x_days_ago", "2026-03-04", "2", True),
    ("is_less_than_x_days_ago", "2026-03-04", 0.5, False),
    ("is_less_than_x_days_ago", NOW, "soon", False),
    ("is_less_than_x_days_ago", NOW, True, False),
    ("is_less_than_x_days_ago", "soon", 1, False),
    ("is_less_than_x_days_ago", datetime.min.replace(tzinfo=UTC), 10**18, True),
    ("is_more_than_x_days_ago", NOW - timedelta(days=1, seconds=1), 1, True),
    ("is_more_than_x_days_ago", NOW - timedelta(days=1), 1, False),
    ("is_more_than_x_days_ago", NOW + timedelta(days=9), 1, False),
    ("is_more_than_x_days_ago", NOW + timedelta(days=9), -10, False),
    ("is_more_than_x_days_ago", "2026-03-01", "3", True),
    ("is_more_than_x_days_ago", 5, 1, False),
]


def satisfied(operator: str, value: Any, operand: Any) -> bool:
    condition = Condition(reference="a", operator=Operator(operator), operand=operand)
    return evaluate(Rule(all=(condition,)), {"a": value}, NOW).satisfied


@pytest.mark.parametrize(("operators", "value", "operand", "expected"), PAIRS)
def test_a_negative_operator_is_the_opposite_of_its_positive_one(
    operators: tuple[str, str], value: Any, operand: Any, expected: bool
) -> None:
    positive, negative = operators
    assert satisfied(positive, value, operand) is expected
    assert satisfied(negative, value, operand) is not expected


@pytest.mark.parametrize(("operator", "value", "operand", "expected"), SINGLE)
def test_ordering_ranges_and_days(operator: str, value: Any, operand: Any, expected: bool) -> None:
    assert satisfied(operator, value, operand) is expected


OPERANDS: dict[Operator, Any] = {
    **dict.fromkeys(Operator, "5"),
    Operator.IS_ANY_OF: ["5"],
    Operator.IS_NONE_OF: ["5"],
    Operator.IS_IN_RANGE: [1, 5],
    **dict.fromkeys(SPEAKS_OF_EMPTY | {Operator.IS_TODAY}, None),
}
SATISFIED_BY_EMPTY = {Operator.IS_EMPTY, Operator.IS_NOT_TRUE, Operator.HAS_NO_FILE_UPLOADED}


@pytest.mark.parametrize("empty", [None, "", [], {}], ids=repr)
@pytest.mark.parametrize("operator", Operator)
def test_an_empty_value_satisfies_only_what_speaks_of_emptiness(operator: Operator, empty: object) -> None:
    rule = Rule(all=(Condition(reference="a", operator=operator, operand=OPERANDS[operator]),))
    outcome = evaluate(rule, {"a": empty}, NOW).conditions[0]
    assert outcome.empty
    assert outcome.satisfied is (operator in SATISFIED_BY_EMPTY)
    assert evaluate(rule, {}, NOW).satisfied is outcome.satisfied


@pytest.mark.parametrize("operator", sorted(set(Operator) - SPEAKS_OF_EMPTY - {Operator.IS_TODAY}))
def test_a_comparison_without_an_operand_is_not_satisfied(operator: Operator) -> None:
    outcome = evaluate(Rule(all=(Condition(reference="a", operator=operator),)), {"a": 5}, NOW).conditions[0]
    assert (outcome.satisfied, outcome.empty) == (False, True)


def test_today_is_a_day_in_utc_wherever_the_clock_stands() -> None:
    far_east = datetime.fromisoformat("2026-03-06T01:00:00+14:00")
    rule = Rule(all=(Condition(reference="a", operator=Operator.IS_TODAY),))
    assert evaluate(rule, {"a": "2026-03-05"}, far_east).satisfied


def test_the_tables_of_operators_are_complete() -> None:
    assert set(DECISIONS) == set(OPERAND_SHAPES) == set(Operator)
    assert set(OFFERED_OPERATORS) == set(ValueType)
    assert frozenset().union(*OFFERED_OPERATORS.values()) == set(Operator)
    assert len(Operator) == 20
