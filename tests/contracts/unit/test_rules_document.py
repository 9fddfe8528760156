"""The rule document: what is read, what is refused, and that it comes back as it was."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from carewire_contracts.rules import Condition, DataPointOperand, Operator, Rule
from carewire_contracts.rules.rule import MAX_CONDITIONS, MAX_DEPTH, MAX_OPERAND_ITEMS
from carewire_contracts.wire import decode, encode

CONDITION: dict[str, Any] = {"reference": "a", "operator": "is_empty"}


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {"all": [CONDITION]}
    for _ in range(depth - 1):
        document = {"any": [document]}
    return document


def comparing(operand: Any) -> dict[str, Any]:
    return {"all": [{"id": "c1", "reference": "a", "operator": "is_equal_to", "operand": operand}]}


def test_conditions_and_rules_are_told_apart() -> None:
    document = Rule.model_validate({"all": [CONDITION, {"any": [CONDITION]}]})
    assert document.entries == (
        Condition(reference="a", operator=Operator.IS_EMPTY),
        Rule(any=(Condition(reference="a", operator=Operator.IS_EMPTY),)),
    )
    assert Rule(all=document.entries) == document


def test_conditions_are_walked_in_reading_order_with_their_paths() -> None:
    document = Rule.model_validate({"all": [CONDITION, {"any": [CONDITION, {"all": [CONDITION]}]}, CONDITION]})
    assert [path for path, _ in document.walk()] == ["all[0]", "all[1].any[0]", "all[1].any[1].all[0]", "all[2]"]


def test_references_are_those_of_conditions_and_of_operands() -> None:
    document = Rule.model_validate({"any": [comparing({"data_point": "b"}), comparing("c")]})
    assert document.references() == {"a", "b"}


@pytest.mark.parametrize("operand", [None, True, 0, 0.5, "", "x", [1, "a", None], {"a": {"b": 1}}, {}])
def test_an_operand_is_any_json_literal(operand: Any) -> None:
    entry = Rule.model_validate(comparing(operand)).entries[0]
    assert isinstance(entry, Condition)
    assert entry.operand == operand
    assert type(entry.operand) is type(operand)


def test_an_operand_is_a_reference_where_it_names_a_data_point() -> None:
    entry = Rule.model_validate(comparing({"data_point": "b"})).entries[0]
    assert isinstance(entry, Condition)
    assert entry.operand == DataPointOperand(data_point="b")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"any": []},
        {"any": [CONDITION], "all": [CONDITION]},
        {"any": None, "all": None},
        {"all": [CONDITION], "not": []},
        {"all": [{"reference": "a"}]},
        {"all": [{"reference": "", "operator": "is_empty"}]},
        {"all": [{"reference": "a", "operator": "matches"}]},
        {"all": [{**CONDITION, "comment": "?"}]},
        {"all": ["x"]},
        {"all": [CONDITION] * (MAX_CONDITIONS + 1)},
        {"all": [{"all": [CONDITION] * MAX_CONDITIONS}, CONDITION]},
        nested(MAX_DEPTH + 1),
        nested(300),
        comparing({"data_point": 5}),
        comparing({"data_point": ""}),
        comparing([0] * (MAX_OPERAND_ITEMS + 1)),
        comparing("NC-004217\0"),
        comparing(float("nan")),
        comparing(2**63),
    ],
)
def test_what_is_no_rule_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        Rule.model_validate(document)
    assert "NC-004217" not in str(refused.value)


def test_a_wrong_operand_is_one_error_at_the_operand() -> None:
    for operand in ({"data_point": 5}, float("nan")):
        with pytest.raises(ValidationError) as refused:
            Rule.model_validate(comparing(operand))
        assert [error["loc"] for error in refused.value.errors()] == [("all", 0, "condition", "operand")]


def test_the_limits_themselves_are_allowed() -> None:
    assert len(list(Rule.model_validate({"all": [CONDITION] * MAX_CONDITIONS}).walk())) == MAX_CONDITIONS
    assert len(list(Rule.model_validate(nested(MAX_DEPTH)).walk())) == 1


SCHEMA = Draft202012Validator(Rule.model_json_schema())


@pytest.mark.parametrize(
    "document", [nested(3), comparing({"data_point": "b"}), comparing([1, "a"]), comparing(None), {"all": []}]
)
def test_the_json_schema_agrees(document: dict[str, Any]) -> None:
    SCHEMA.validate(document)
    assert not SCHEMA.is_valid({**document, "not": []})


LITERALS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(codec="ascii", min_codepoint=32)),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), parts, max_size=2),
    max_leaves=5,
)
CONDITIONS = st.builds(
    Condition,
    id=st.none() | st.sampled_from(["c1", "c2"]),
    reference=st.sampled_from(["a", "$.b[0]['c']"]),
    operator=st.sampled_from(Operator),
    operand=LITERALS | st.just(DataPointOperand(data_point="b")),
)
RULES = st.recursive(
    st.lists(CONDITIONS, max_size=3).map(lambda parts: Rule(all=tuple(parts))),
    lambda rules: st.lists(rules | CONDITIONS, min_size=1, max_size=3).map(lambda parts: Rule(any=tuple(parts))),
    max_leaves=5,
)


@given(RULES)
def test_a_rule_comes_back_as_it_was_written(document: Rule) -> None:
    assert decode(Rule, encode(document)) == document
    assert Rule.model_validate_json(document.model_dump_json()) == document
