"""Evaluation explains itself, gives nothing away in logs, and never raises."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.rules import Condition, DataPointOperand, Evaluation, Operator, Rule, evaluate, evaluator_of

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


def rule(**document: Any) -> Rule:
    return Rule.model_validate(document)


AGE = {"id": "adult", "reference": "$.age", "operator": "is_greater_than_or_equal_to", "operand": 18}
WARD = {"id": "ward", "reference": "$.ward", "operator": "is_any_of", "operand": ["north", "south"]}
NEVER = {"reference": "$.ward", "operator": "is_equal_to", "operand": {"data_point": "$.absent"}}


def outcomes(evaluation: Evaluation) -> list[tuple[str | None, Any, Any, bool, bool]]:
    return [(each.id, each.value, each.operand, each.satisfied, each.empty) for each in evaluation.conditions]


def test_all_needs_every_condition_and_any_needs_one() -> None:
    values = {"$.age": 17, "$.ward": "north"}
    assert not evaluate(rule(all=[AGE, WARD]), values, NOW).satisfied
    assert evaluate(rule(any=[AGE, WARD]), values, NOW).satisfied
    assert not evaluate(rule(any=[AGE]), values, NOW).satisfied


def test_an_empty_rule_always_holds() -> None:
    assert evaluate(rule(all=[]), {}, NOW) == Evaluation(satisfied=True, conditions=())


def test_rules_nest() -> None:
    nested = rule(all=[WARD, {"any": [AGE, {"all": [WARD, NEVER]}]}])
    assert evaluate(nested, {"$.age": 18, "$.ward": "south"}, NOW).satisfied
    assert not evaluate(nested, {"$.age": 17, "$.ward": "south"}, NOW).satisfied


def test_every_condition_is_explained_even_when_it_no_longer_matters() -> None:
    evaluation = evaluate(rule(any=[WARD, {"all": [AGE, NEVER]}]), {"$.age": 17, "$.ward": "north"}, NOW)
    assert evaluation.satisfied
    assert outcomes(evaluation) == [
        ("ward", "north", ["north", "south"], True, False),
        ("adult", 17, 18, False, False),
        (None, "north", None, False, True),
    ]


def test_an_operand_may_be_another_data_point() -> None:
    document = rule(all=[{"reference": "a", "operator": "is_less_than", "operand": {"data_point": "b"}}])
    evaluation = evaluate(document, {"a": 1, "b": 2}, NOW)
    assert outcomes(evaluation) == [(None, 1, 2, True, False)]
    assert not evaluate(document, {"a": 1, "b": 0}, NOW).satisfied


def test_an_empty_operand_decides_nothing_for_either_sign() -> None:
    for operator in (Operator.IS_EQUAL_TO, Operator.IS_NOT_EQUAL_TO):
        condition = Condition(reference="a", operator=operator, operand=DataPointOperand(data_point="b"))
        outcome = evaluate(Rule(all=(condition,)), {"a": 1, "b": ""}, NOW).conditions[0]
        assert (outcome.satisfied, outcome.empty) == (False, True)


def test_an_empty_literal_is_a_value_like_any_other() -> None:
    condition = {"reference": "a", "operator": "is_not_equal_to", "operand": ""}
    assert evaluate(rule(all=[condition]), {"a": "x"}, NOW).satisfied


def test_neither_repr_nor_redacted_form_holds_a_value() -> None:
    secrets = {"a": "NC-004217", "b": "1970-01-01"}
    document = rule(
        all=[
            {"id": "mrn", "reference": "a", "operator": "is_equal_to", "operand": "NC-004218"},
            {"reference": "a", "operator": "is_not_equal_to", "operand": {"data_point": "b"}},
        ]
    )
    evaluation = evaluate(document, secrets, NOW)
    assert evaluation.redacted() == {
        "satisfied": False,
        "conditions": [
            {"id": "mrn", "reference": "a", "operator": "is_equal_to", "satisfied": False, "empty": False},
            {"id": None, "reference": "a", "operator": "is_not_equal_to", "satisfied": True, "empty": False},
        ],
    }
    for text in (repr(evaluation), str(evaluation), f"{evaluation.conditions[0]}"):
        assert not any(secret in text for secret in ("NC-004217", "NC-004218", "1970-01-01"))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["yes", "5", "2026-03-05", "2026-03-05T10:00:00Z", "1e999", "x"])
)
JSON = st.recursive(
    SCALARS, lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts, max_size=3)
)
VALUES = JSON | st.datetimes(timezones=st.sampled_from([UTC]))
SOUND_OPERANDS = (
    st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([None, True, "yes", "5", "2026-03-05", [1, 5], ["5", "x"], [], {"a": 1}, [[1]]])
    | st.sampled_from("abc").map(lambda name: DataPointOperand(data_point=name))
)
CONDITIONS = st.builds(
    Condition, reference=st.sampled_from("abc"), operator=st.sampled_from(Operator), operand=SOUND_OPERANDS
)
RULES = st.recursive(
    st.lists(CONDITIONS, max_size=3).map(lambda entries: Rule(all=tuple(entries))),
    lambda rules: (
        st.lists(rules | CONDITIONS, min_size=1, max_size=3).map(lambda entries: Rule(any=tuple(entries)))
        | st.lists(rules | CONDITIONS, max_size=3).map(lambda entries: Rule(all=tuple(entries)))
    ),
    max_leaves=6,
)
MOMENTS = st.datetimes(timezones=st.sampled_from([UTC]))


@given(RULES, st.dictionaries(st.sampled_from("abc"), VALUES), MOMENTS)
def test_evaluation_is_total_and_explains_every_condition(
    document: Rule, values: dict[str, Any], now: datetime
) -> None:
    evaluation = evaluate(document, values, now)
    assert len(evaluation.conditions) == len(list(document.walk()))
    assert all(type(outcome.satisfied) is bool for outcome in evaluation.conditions)


def joined(document: Rule, verdicts: Iterator[bool]) -> bool:
    """What a rule says of verdicts on its conditions in reading order, step by step."""
    parts = [joined(entry, verdicts) if isinstance(entry, Rule) else next(verdicts) for entry in document.entries]
    return any(parts) if document.all is None else all(parts)


@given(RULES, st.dictionaries(st.sampled_from("abc"), VALUES), MOMENTS)
def test_a_rule_joins_the_verdicts_on_its_conditions_as_it_is_written(
    document: Rule, values: dict[str, Any], now: datetime
) -> None:
    evaluation = evaluate(document, values, now)
    assert evaluation.satisfied is joined(document, iter([outcome.satisfied for outcome in evaluation.conditions]))


def test_a_prepared_rule_remembers_nothing_of_what_it_judged() -> None:
    nested = rule(any=[{"all": [AGE, WARD]}, NEVER])
    prepared = evaluator_of(nested)
    for values in ({"$.age": 18, "$.ward": "north"}, {}, {"$.ward": "x", "$.absent": "x"}, {"$.age": 18}):
        assert prepared(values, NOW) == evaluate(nested, values, NOW)


NEGATIVES = {
    Operator.IS_EQUAL_TO: Operator.IS_NOT_EQUAL_TO,
    Operator.IS_ANY_OF: Operator.IS_NONE_OF,
    Operator.CONTAINS: Operator.DOES_NOT_CONTAIN,
    Operator.IS_EMPTY: Operator.IS_NOT_EMPTY,
    Operator.IS_TRUE: Operator.IS_NOT_TRUE,
    Operator.HAS_FILE_UPLOADED: Operator.HAS_NO_FILE_UPLOADED,
}
OPPOSITES = NEGATIVES | {negative: positive for positive, negative in NEGATIVES.items()}


def opposite(document: Rule) -> Rule:
    """De Morgan: swap any and all, and every operator with its opposite."""
    entries = tuple(
        opposite(entry) if isinstance(entry, Rule) else entry.model_copy(update={"operator": OPPOSITES[entry.operator]})
        for entry in document.entries
    )
    return Rule(any=entries) if document.any is None else Rule(all=entries)


OPPOSABLE = st.builds(
    Condition,
    reference=st.sampled_from("abc"),
    operator=st.sampled_from(list(OPPOSITES)),
    operand=SOUND_OPERANDS.filter(lambda operand: operand is not None),
)


@given(
    st.recursive(
        st.lists(OPPOSABLE, min_size=1, max_size=3).map(lambda entries: Rule(all=tuple(entries))),
        lambda rules: st.lists(rules | OPPOSABLE, min_size=1, max_size=3).map(lambda parts: Rule(any=tuple(parts))),
        max_leaves=5,
    ),
    st.fixed_dictionaries(dict.fromkeys("abc", VALUES.filter(lambda value: value not in (None, "", [], {})))),
)
def test_on_values_that_are_there_a_rule_and_its_opposite_never_agree(document: Rule, values: dict[str, Any]) -> None:
    assert evaluate(document, values, NOW).satisfied is not evaluate(opposite(document), values, NOW).satisfied
