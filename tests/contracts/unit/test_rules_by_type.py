"""Each type with each operator that it offers: satisfied, not satisfied, empty; and the evaluation says so.

The table has, for each operator of each type, one operand that satisfies it and one that does not.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.rules import (
    OFFERED_OPERATORS,
    Condition,
    ConditionOutcome,
    DataPointOperand,
    Operator,
    Rule,
    evaluate,
    validate_rule,
)
from carewire_contracts.rules.operators import SPEAKS_OF_EMPTY
from carewire_contracts.values import Parsed, ValueType, parse_value

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
URL = "https://files.example/scan.pdf"
PHONE = "+442071838750"
NO_OPERAND = None

VALUES: dict[str, Any] = {
    "boolean": True,
    "number": 7,
    "string": "knee pain",
    "date": "2026-03-01",
    "numbers_array": [1, 2, 3],
    "strings_array": ["left", "right"],
    "telephone": PHONE,
    "json": {"side": "left"},
    "attachment": URL,
    "attachments_array": [URL],
}

# type -> operator -> (an operand that satisfies it, one that does not); None: the operator takes none.
TABLE: dict[str, dict[str, tuple[Any, Any]]] = {
    "number": {
        "is_equal_to": (7, 8),
        "is_not_equal_to": (8, "7"),
        "is_greater_than": (6.5, 7),
        "is_greater_than_or_equal_to": ("7", 7.1),
        "is_less_than": (8, 7),
        "is_less_than_or_equal_to": (7, "6"),
        "is_in_range": ([7, 9], [8, 9]),
        "is_any_of": (["7", 9], [8, 9]),
        "is_none_of": ([8, 9], [7]),
    },
    "string": {
        "is_equal_to": ("knee pain", "Knee pain"),
        "is_not_equal_to": ("hip pain", "knee pain"),
        "contains": ("knee", "hip"),
        "does_not_contain": ("hip", "pain"),
        "is_any_of": (["hip pain", "knee pain"], ["knee", "pain"]),
        "is_none_of": (["knee"], ["knee pain"]),
    },
    "date": {
        "is_equal_to": ("2026-03-01", "2026-03-02"),
        "is_not_equal_to": ("2026-03-02", "2026-03-01"),
        "is_greater_than": ("2026-02-28", "2026-03-01"),
        "is_greater_than_or_equal_to": ("2026-03-01", "2026-03-01T00:00:01Z"),
        "is_less_than": ("2026-03-02", "2026-03-01"),
        "is_less_than_or_equal_to": ("2026-03-01T01:00:00+01:00", "2026-02-01"),
        "is_less_than_x_days_ago": (5, 4),
        "is_more_than_x_days_ago": (4, 5),
    },
    "numbers_array": {
        "contains": (2, 4),
        "does_not_contain": (4, "2"),
        "is_any_of": ([3, 4], [4, 5]),
        "is_none_of": ([4, 5], [1]),
    },
    "strings_array": {
        "contains": ("left", "lef"),
        "does_not_contain": ("both", "left"),
        "is_any_of": (["both", "left"], ["both"]),
        "is_none_of": (["both"], ["right"]),
    },
    "telephone": {"is_equal_to": (PHONE, "+32470123456"), "is_not_equal_to": ("+32470123456", PHONE)},
    "json": {
        "is_equal_to": ({"side": "left"}, {"side": "right"}),
        "is_not_equal_to": ({"side": "left", "more": 1}, {"side": "left"}),
    },
}
CASES = [
    (value_type, operator, *operands)
    for value_type, operators in TABLE.items()
    for operator, operands in operators.items()
]
WITHOUT_OPERAND = [
    (each.value, operator)
    for each in ValueType
    for operator in sorted(OFFERED_OPERATORS[each])
    if operator.value not in TABLE.get(each.value, {})
]
HOLDS_OF_A_VALUE = {"is_not_empty", "is_true", "has_file_uploaded"}


def outcome(value_type: str, operator: str, operand: Any, value: Any = ...) -> ConditionOutcome:
    condition = Condition(id="c", reference="it", operator=Operator(operator), operand=operand)
    seen = VALUES[value_type] if value is ... else value
    evaluation = evaluate(Rule(all=(condition,)), {"it": seen}, NOW)
    assert evaluation.satisfied is evaluation.conditions[0].satisfied
    return evaluation.conditions[0]


def typed(value_type: str) -> Any:
    parsed = parse_value(VALUES[value_type], ValueType(value_type))
    assert isinstance(parsed, Parsed)
    return parsed.value


def test_the_table_has_every_operator_of_every_type_that_takes_an_operand() -> None:
    for each in ValueType:
        named = {Operator(name) for name in TABLE.get(each.value, {})}
        assert named <= OFFERED_OPERATORS[each]
        assert OFFERED_OPERATORS[each] - named <= SPEAKS_OF_EMPTY | {Operator.IS_TODAY}


@pytest.mark.parametrize(("value_type", "operator", "satisfying", "_other"), CASES)
def test_it_is_satisfied(value_type: str, operator: str, satisfying: Any, _other: Any) -> None:
    for value in (VALUES[value_type], typed(value_type)):
        seen = outcome(value_type, operator, satisfying, value)
        assert (seen.satisfied, seen.empty) == (True, False)


@pytest.mark.parametrize(("value_type", "operator", "_satisfying", "other"), CASES)
def test_it_is_not_satisfied(value_type: str, operator: str, _satisfying: Any, other: Any) -> None:
    for value in (VALUES[value_type], typed(value_type)):
        seen = outcome(value_type, operator, other, value)
        assert (seen.satisfied, seen.empty) == (False, False)


@pytest.mark.parametrize(("value_type", "operator", "satisfying", "_other"), CASES)
@pytest.mark.parametrize("empty", [None, "", [], {}], ids=["null", "no text", "no items", "no fields"])
def test_nothing_is_known_of_an_empty_value(
    value_type: str, operator: str, satisfying: Any, _other: Any, empty: Any
) -> None:
    seen = outcome(value_type, operator, satisfying, empty)
    assert (seen.satisfied, seen.empty) == (False, True)
    assert seen.value == empty


@pytest.mark.parametrize(("value_type", "operator", "satisfying", "_other"), CASES)
def test_an_outcome_explains_what_was_compared_with_what(
    value_type: str, operator: str, satisfying: Any, _other: Any
) -> None:
    seen = outcome(value_type, operator, satisfying)
    assert (seen.id, seen.reference, seen.operator) == ("c", "it", Operator(operator))
    assert (seen.value, seen.operand) == (VALUES[value_type], satisfying)


@pytest.mark.parametrize(("value_type", "operator", "satisfying", "other"), CASES)
def test_the_operand_may_be_held_by_another_data_point(
    value_type: str, operator: str, satisfying: Any, other: Any
) -> None:
    rule = Rule(
        all=(Condition(reference="it", operator=Operator(operator), operand=DataPointOperand(data_point="operand")),)
    )
    for held, satisfied in ((satisfying, True), (other, False)):
        evaluation = evaluate(rule, {"it": VALUES[value_type], "operand": held}, NOW)
        assert evaluation.satisfied is satisfied
        assert evaluation.conditions[0].operand == held
    assert evaluate(rule, {"it": VALUES[value_type]}, NOW).conditions[0].empty


@pytest.mark.parametrize(("value_type", "operator", "satisfying", "other"), CASES)
def test_both_operands_may_be_published(value_type: str, operator: str, satisfying: Any, other: Any) -> None:
    for operand in (satisfying, other):
        condition = Condition(reference="it", operator=Operator(operator), operand=operand)
        assert validate_rule(Rule(all=(condition,)), {"it": ValueType(value_type)}) == []


@pytest.mark.parametrize("spelling", ["2026-03-01", "2026-03-01T00:00:00Z", "2026-03-01T02:00:00.000+02:00"])
def test_a_typed_date_equals_every_spelling_of_its_moment_and_raw_text_only_its_own(spelling: str) -> None:
    assert outcome("date", "is_equal_to", spelling, typed("date")).satisfied
    assert outcome("date", "is_equal_to", spelling, VALUES["date"]).satisfied is (spelling == VALUES["date"])


@pytest.mark.parametrize(("value_type", "operator"), WITHOUT_OPERAND)
def test_operators_without_an_operand_on_a_value_that_is_there(value_type: str, operator: str) -> None:
    seen = outcome(value_type, operator, NO_OPERAND)
    assert seen.satisfied is (operator in HOLDS_OF_A_VALUE)
    assert not seen.empty


@pytest.mark.parametrize(("value_type", "operator"), WITHOUT_OPERAND)
def test_operators_without_an_operand_on_an_absent_value(value_type: str, operator: str) -> None:
    condition = Condition(reference="it", operator=Operator(operator))
    seen = evaluate(Rule(all=(condition,)), {}, NOW).conditions[0]
    assert seen.empty
    assert seen.satisfied is (operator in {"is_empty", "is_not_true", "has_no_file_uploaded"})


@pytest.mark.parametrize(
    ("value", "true"),
    [(True, True), (False, False), ("yes", True), ("NO", False), ("1", True), ("0", False), (1, False), ("x", False)],
    ids=repr,
)
def test_truth_is_of_booleans_and_their_words_alone(value: Any, true: bool) -> None:
    assert outcome("boolean", "is_true", None, value).satisfied is true
    assert outcome("boolean", "is_not_true", None, value).satisfied is not true


JOINS = st.lists(st.booleans(), max_size=6)


def conditions(answers: list[bool]) -> tuple[Condition, ...]:
    return tuple(
        Condition(id=str(index), reference="it", operator=Operator.IS_EQUAL_TO, operand="yes" if answer else "no")
        for index, answer in enumerate(answers)
    )


@given(JOINS)
def test_all_is_every_one_and_each_outcome_keeps_its_place(answers: list[bool]) -> None:
    evaluation = evaluate(Rule(all=conditions(answers)), {"it": "yes"}, NOW)
    assert evaluation.satisfied is all(answers)
    assert [seen.satisfied for seen in evaluation.conditions] == answers
    assert [seen.id for seen in evaluation.conditions] == [str(index) for index in range(len(answers))]


@given(JOINS.filter(bool))
def test_any_is_at_least_one(answers: list[bool]) -> None:
    assert evaluate(Rule(any=conditions(answers)), {"it": "yes"}, NOW).satisfied is any(answers)


@given(JOINS.filter(bool), JOINS.filter(bool))
def test_a_rule_within_a_rule_counts_as_one_condition(outer: list[bool], inner: list[bool]) -> None:
    rule = Rule(all=(*conditions(outer), Rule(any=conditions(inner))))
    evaluation = evaluate(rule, {"it": "yes"}, NOW)
    assert evaluation.satisfied is (all(outer) and any(inner))
    assert len(evaluation.conditions) == len(outer) + len(inner)
