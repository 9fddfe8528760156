"""Everything that is wrong with a rule is said at once, before it is published."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.rules import (
    OFFERED_OPERATORS,
    Condition,
    DataPointOperand,
    Operator,
    ProblemCode,
    Rule,
    validate_rule,
)
from carewire_contracts.rules.operators import OPERAND_SHAPES, OperandShape
from carewire_contracts.values import ValueType

TYPES = {each.value: each for each in ValueType}
GOOD_ITEMS: dict[ValueType, Any] = {
    ValueType.NUMBER: "5",
    ValueType.STRING: "a",
    ValueType.DATE: "2026-03-05",
    ValueType.NUMBERS_ARRAY: 5,
    ValueType.STRINGS_ARRAY: "a",
    ValueType.TELEPHONE: "+442071838750",
    ValueType.JSON: "any text",
}
COMBINATIONS = [(each, operator) for each, offered in OFFERED_OPERATORS.items() for operator in sorted(offered)]


def good_operand(value_type: ValueType, operator: Operator) -> Any:
    shape = OPERAND_SHAPES[operator]
    if shape is OperandShape.NOTHING:
        return None
    if shape is OperandShape.DAYS:
        return 7
    item = GOOD_ITEMS[value_type]
    return {OperandShape.ITEM: item, OperandShape.LIST: [item], OperandShape.RANGE: [1, 5]}[shape]


def problems(reference: str, operator: str, operand: Any = None, *, declared: bool = True) -> list[tuple[str, str]]:
    document = Rule.model_validate({"all": [{"reference": reference, "operator": operator, "operand": operand}]})
    found = validate_rule(document, TYPES if declared else None)
    return [(problem.code.value, problem.message) for problem in found]


@pytest.mark.parametrize(("value_type", "operator"), COMBINATIONS)
def test_every_offered_operator_is_accepted_with_its_operand(value_type: ValueType, operator: Operator) -> None:
    assert problems(value_type, operator, good_operand(value_type, operator)) == []


@pytest.mark.parametrize(("value_type", "operator"), COMBINATIONS)
def test_an_operand_is_missed_where_it_is_needed_and_unwanted_where_it_is_not(
    value_type: ValueType, operator: Operator
) -> None:
    if OPERAND_SHAPES[operator] is OperandShape.NOTHING:
        assert problems(value_type, operator, 5) == [("operand_not_used", f"{operator} takes no operand")]
    else:
        needed = OPERAND_SHAPES[operator].value
        assert problems(value_type, operator) == [("operand_missing", f"{operator} needs {needed}")]


@pytest.mark.parametrize("value_type", ValueType)
def test_an_operator_that_the_type_does_not_offer_is_refused(value_type: ValueType) -> None:
    for operator in set(Operator) - OFFERED_OPERATORS[value_type]:
        found = problems(value_type, operator, good_operand(ValueType.NUMBER, operator))
        assert found == [("operator_not_offered", f"{value_type} does not offer {operator}")]


@pytest.mark.parametrize(
    ("reference", "operator", "operand", "code", "message"),
    [
        ("absent", "is_empty", None, "unknown_reference", "nothing is called absent"),
        (
            "number",
            "is_equal_to",
            "ten",
            "operand_type",
            "wrong operand: expected number, found string that is not a number",
        ),
        ("number", "is_equal_to", True, "operand_type", "wrong operand: expected number, found boolean"),
        ("string", "contains", 5, "operand_type", "wrong operand: expected string, found number"),
        ("strings_array", "contains", ["a"], "operand_type", "wrong operand: expected string, found array"),
        ("number", "is_any_of", [1, None], "operand_type", "wrong operand: expected number, found null"),
        ("number", "is_any_of", 1, "operand_type", "the operand must be a list of values"),
        ("number", "is_any_of", [], "operand_type", "the operand must be a list of values"),
        (
            "number",
            "is_in_range",
            [1],
            "operand_type",
            "the operand must be a list of the lowest and the highest value",
        ),
        ("number", "is_in_range", [1, None], "operand_type", "wrong operand: expected number, found null"),
        ("number", "is_in_range", [5, "1"], "range_inverted", "the lowest value of the range is above the highest"),
        ("date", "is_less_than_x_days_ago", -1, "operand_type", "the operand must be a number of days, 0 or more"),
        ("date", "is_more_than_x_days_ago", [1], "operand_type", "wrong operand: expected number, found array"),
        (
            "number",
            "is_equal_to",
            {"data_point": "absent"},
            "unknown_reference",
            "nothing is called absent, which is the operand",
        ),
        (
            "number",
            "is_equal_to",
            {"data_point": "string"},
            "operand_type",
            "the operand string is of type string, not number",
        ),
        (
            "number",
            "is_in_range",
            {"data_point": "number"},
            "operand_type",
            "the operand number is of type number, not numbers_array",
        ),
        (
            "date",
            "is_less_than_x_days_ago",
            {"data_point": "date"},
            "operand_type",
            "the operand date is of type date, not number",
        ),
    ],
)
def test_a_wrong_condition_is_named(reference: str, operator: str, operand: Any, code: str, message: str) -> None:
    assert problems(reference, operator, operand) == [(code, message)]


@pytest.mark.parametrize(
    ("reference", "operator", "operand"),
    [
        ("number", "is_equal_to", {"data_point": "number"}),
        ("number", "is_any_of", {"data_point": "numbers_array"}),
        ("strings_array", "is_none_of", {"data_point": "strings_array"}),
        ("strings_array", "contains", {"data_point": "string"}),
        ("number", "is_in_range", {"data_point": "numbers_array"}),
        ("date", "is_more_than_x_days_ago", {"data_point": "number"}),
        ("json", "is_equal_to", {"data_point": "json"}),
    ],
)
def test_an_operand_may_be_a_data_point_of_the_type_that_is_needed(
    reference: str, operator: str, operand: dict[str, str]
) -> None:
    assert problems(reference, operator, operand) == []


@pytest.mark.parametrize(
    ("operator", "operand", "codes"),
    [
        ("is_equal_to", 5, []),
        ("is_equal_to", {"data_point": "$.b"}, []),
        ("is_any_of", ["a", 5], []),
        ("is_in_range", ["2026-03-01", "2026-03-31"], []),
        ("is_in_range", ["a", "b"], ["operand_type"]),
        ("is_in_range", [5, 1], ["range_inverted"]),
        ("is_any_of", "a", ["operand_type"]),
        ("is_equal_to", None, ["operand_missing"]),
        ("is_less_than_x_days_ago", "soon", ["operand_type"]),
    ],
)
def test_for_undeclared_references_only_the_shape_of_operands_is_checked(
    operator: str, operand: Any, codes: list[str]
) -> None:
    assert [code for code, _ in problems("$.a", operator, operand, declared=False)] == codes


def test_everything_wrong_is_listed_at_once_with_its_place() -> None:
    document = Rule.model_validate(
        {
            "all": [
                {"id": "c1", "reference": "absent", "operator": "is_any_of", "operand": 5},
                {
                    "any": [
                        {"reference": "number", "operator": "is_any_of", "operand": ["a", 1, "b"]},
                        {"reference": "number", "operator": "is_empty"},
                    ]
                },
                {"id": "c3", "reference": "boolean", "operator": "is_equal_to"},
            ]
        }
    )
    found = [(each.path, each.condition_id, each.reference, each.code) for each in validate_rule(document, TYPES)]
    assert found == [
        ("all[0]", "c1", "absent", ProblemCode.UNKNOWN_REFERENCE),
        ("all[0]", "c1", "absent", ProblemCode.OPERAND_TYPE),
        ("all[1].any[0]", None, "number", ProblemCode.OPERAND_TYPE),
        ("all[1].any[0]", None, "number", ProblemCode.OPERAND_TYPE),
        ("all[2]", "c3", "boolean", ProblemCode.OPERATOR_NOT_OFFERED),
        ("all[2]", "c3", "boolean", ProblemCode.OPERAND_MISSING),
    ]


@given(
    st.sampled_from([*TYPES, "absent"]),
    st.sampled_from(Operator),
    st.sampled_from(
        [None, True, 5, "μυστικό", ["μυστικό"], [1, "μυστικό"], {"μυστικό": 1}, DataPointOperand(data_point="json")]
    ),
    st.booleans(),
)
def test_validation_is_total_and_never_shows_an_operand(
    reference: str, operator: Operator, operand: Any, declared: bool
) -> None:
    document = Rule(all=(Condition(reference=reference, operator=operator, operand=operand),))
    assert "μυστικό" not in repr(validate_rule(document, TYPES if declared else None))
