"""Filters: which calls start a care flow, and what the log says about it."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.json_path import InvalidPath
from carewire_contracts.json_query import JsonQuery
from carewire_contracts.redaction import MARKER, redacted
from carewire_contracts.rules import Operator, Rule, validate_rule
from carewire_ingress.domain.filtering import (
    MAX_SHOWN_CHARACTERS,
    MAX_SHOWN_ITEMS,
    Filter,
    explained,
    hidden_references,
    judge,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PAYLOAD: dict[str, Any] = {
    "type": "planned",
    "age": 67,
    "born": "1958-11-03",
    "extension": [{"url": "ward", "value": "north"}, {"url": "floor", "value": 3}],
    "codes": [{"code": "A1"}, {"code": "B2"}],
    "empty": [],
    "patient": {"name": "Ada Example", "tags": ["vip"]},
    "limit": 65,
}


def condition(reference: str, operator: str, operand: Any = None) -> dict[str, Any]:
    return {"reference": reference, "operator": operator, "operand": operand}


def all_of(*conditions: dict[str, Any]) -> Filter:
    return Filter.of(Rule.model_validate({"all": conditions}))


@pytest.mark.parametrize(
    ("reference", "operator", "operand", "passes"),
    [
        pytest.param("$.type", "is_equal_to", "planned", True, id="one match is compared as it is"),
        pytest.param("$.type", "is_equal_to", "urgent", False, id="and may differ"),
        pytest.param("$.age", "is_greater_than", 65, True, id="numbers have an order"),
        pytest.param("$.age", "is_greater_than", {"data_point": "$.limit"}, True, id="an operand may be a path"),
        pytest.param("$.extension[?@.url == 'ward'].value", "is_any_of", ["north", "south"], True, id="by label"),
        pytest.param("$.codes[*].code", "contains", "B2", True, id="one of several"),
        pytest.param("$.codes[*].code", "contains", "B", False, id="of several, items are compared whole"),
        pytest.param("$.codes[*].code", "is_any_of", ["X", "A1"], True, id="any of several in a list"),
        pytest.param("$.codes[*].code", "is_none_of", ["X"], True, id="none of several in a list"),
        pytest.param("$.codes[*].code", "is_equal_to", "A1", False, id="several equal no single value"),
        pytest.param("$.codes[*].code", "is_not_equal_to", "A1", True, id="so they differ from it"),
        pytest.param("$.codes[?@.code == 'A1'].code", "contains", "A", True, id="one match is a text, with parts"),
        pytest.param("$.codes[5].code", "is_empty", None, True, id="no match is empty"),
        pytest.param("$.codes[5].code", "is_not_equal_to", "A1", False, id="of what is empty nothing is known"),
        pytest.param("$.codes[*].missing", "is_empty", None, True, id="no match of many is empty"),
        pytest.param("$.empty", "is_empty", None, True, id="an empty array is empty"),
        pytest.param("$.born", "is_more_than_x_days_ago", 18 * 365, True, id="days count from the time of the call"),
    ],
)
def test_what_lets_a_payload_through(reference: str, operator: str, operand: Any, passes: bool) -> None:
    assert judge(all_of(condition(reference, operator, operand)), PAYLOAD, NOW).satisfied is passes


def test_a_filter_without_conditions_lets_everything_through() -> None:
    assert judge(all_of(), PAYLOAD, NOW).satisfied
    assert explained(all_of(), judge(all_of(), None, NOW)) == []


def test_any_and_all_are_joined_as_written() -> None:
    document = {
        "all": [
            condition("$.type", "is_equal_to", "planned"),
            {"any": [condition("$.age", "is_less_than", 18), condition("$.age", "is_greater_than", 65)]},
        ]
    }
    chosen = Filter.of(Rule.model_validate(document))
    assert judge(chosen, PAYLOAD, NOW).satisfied
    assert not judge(chosen, {**PAYLOAD, "age": 40}, NOW).satisfied
    assert [entry["at"] for entry in explained(chosen, judge(chosen, PAYLOAD, NOW))] == [
        "all[0]",
        "all[1].any[0]",
        "all[1].any[1]",
    ]


def test_a_path_that_is_none_does_not_compile() -> None:
    with pytest.raises(InvalidPath):
        all_of(condition("$.a", "is_equal_to", {"data_point": "b"}))


def test_the_log_explains_each_condition() -> None:
    named = {**condition("$.age", "is_less_than", {"data_point": "$.limit"}), "id": "adult"}
    chosen = all_of(named, condition("$.none", "is_equal_to", "x"))
    assert explained(chosen, judge(chosen, PAYLOAD, NOW)) == [
        {
            "at": "all[0]",
            "id": "adult",
            "reference": "$.age",
            "operator": "is_less_than",
            "operand_reference": "$.limit",
            "operand": 65,
            "value": 67,
            "satisfied": False,
            "empty": False,
        },
        {
            "at": "all[1]",
            "id": None,
            "reference": "$.none",
            "operator": "is_equal_to",
            "operand_reference": None,
            "operand": "x",
            "value": None,
            "satisfied": False,
            "empty": True,
        },
    ]


@pytest.mark.parametrize(
    ("value", "logged"),
    [
        (None, None),
        (True, True),
        (4.5, 4.5),
        ("short", "short"),
        ("x" * MAX_SHOWN_CHARACTERS, "x" * MAX_SHOWN_CHARACTERS),
        ("x" * (MAX_SHOWN_CHARACTERS + 1), "x" * MAX_SHOWN_CHARACTERS + "\u2026"),
        ("nul\0", "nul\ufffd"),
        ([1, "a", None], [1, "a", None]),
        (list(range(MAX_SHOWN_ITEMS + 2)), [*range(MAX_SHOWN_ITEMS), "\u2026 2 more"]),
        ([[1, 2], {"a": 1}, "nul\0"], ["\u2026 array of 2", "\u2026 object of 1", "nul\ufffd"]),
        ({"a": 1, "b\0": {"c": 1}}, {"a": 1, "b\ufffd": "\u2026 object of 1"}),
        (
            {str(number): number for number in range(MAX_SHOWN_ITEMS + 1)},
            {**{str(number): number for number in range(MAX_SHOWN_ITEMS)}, "\u2026": "1 more"},
        ),
    ],
    ids=repr,
)
def test_long_values_are_cut_and_what_cannot_be_stored_is_replaced(value: Any, logged: Any) -> None:
    chosen = all_of(condition("$.v", "is_empty"))
    (entry,) = explained(chosen, judge(chosen, {"v": value}, NOW))
    assert entry["value"] == logged


@pytest.mark.parametrize(
    ("paths", "value", "operand"),
    [
        pytest.param([], "Ada Example", "planned", id="nothing redacted"),
        pytest.param(["$.patient.name"], MARKER, "planned", id="the value itself"),
        pytest.param(["$.patient"], MARKER, "planned", id="what it stands in"),
        pytest.param(["$..name"], MARKER, "planned", id="found anywhere"),
        pytest.param(["$.type"], "Ada Example", MARKER, id="the operand"),
        pytest.param(["$"], MARKER, MARKER, id="everything"),
        pytest.param(["$.age"], "Ada Example", "planned", id="something else"),
    ],
)
def test_the_log_does_not_show_what_is_redacted(paths: list[str], value: str, operand: str) -> None:
    chosen = all_of(condition("$.patient.name", "is_equal_to", {"data_point": "$.type"}))
    shown = redacted(PAYLOAD, [JsonQuery(path) for path in paths])
    hidden = hidden_references(chosen, PAYLOAD, shown)
    (entry,) = explained(chosen, judge(chosen, PAYLOAD, NOW), hidden)
    assert (entry["value"], entry["operand"]) == (value, operand)
    assert entry["satisfied"] is False


@pytest.mark.parametrize(
    ("reference", "path", "is_hidden"),
    [
        ("$.patient.tags", "$.patient.tags[0]", True),
        ("$.patient", "$.patient.tags[0]", True),
        ("$.codes[*].code", "$.codes[1].code", True),
        ("$.codes[*].code", "$.codes[1].other", False),
        ("$.extension[?@.url == 'ward'].value", "$.extension[*].url", True),
        ("$.patient.tags", "$.patient.name", False),
        ("$.none", "$.patient", False),
    ],
)
def test_a_value_is_hidden_when_any_part_of_it_is(reference: str, path: str, is_hidden: bool) -> None:
    chosen = all_of(condition(reference, "is_empty"))
    hidden = hidden_references(chosen, PAYLOAD, redacted(PAYLOAD, [JsonQuery(path)]))
    assert hidden == ({reference} if is_hidden else set())


def test_without_redaction_nothing_is_hidden() -> None:
    chosen = all_of(condition("$.age", "is_empty"))
    assert hidden_references(chosen, PAYLOAD, PAYLOAD) == frozenset()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abv"), inner, max_size=2),
    max_leaves=12,
)
references = st.sampled_from(["$", "$.a", "$.a.b", "$[*]", "$..v", "$[?@.a == 'b'].v", "$[0]"])
operands = st.none() | st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2) | st.just({"data_point": "$.b"})
conditions = st.builds(condition, references, st.sampled_from([str(each) for each in Operator]), operands)


@given(st.lists(conditions, max_size=3), json_values)
def test_any_payload_is_judged_and_explained_in_a_few_characters(entries: list[Any], payload: Any) -> None:
    chosen = all_of(*entries)
    evaluation = judge(chosen, payload, NOW)
    told = explained(chosen, evaluation)
    assert [entry["satisfied"] for entry in told] == [outcome.satisfied for outcome in evaluation.conditions]
    assert evaluation.satisfied is all(entry["satisfied"] for entry in told)
    assert "\\u0000" not in json.dumps(told)
    assert len(orjson.dumps(told)) < 4_000 * (len(told) + 1)


@given(st.lists(conditions, max_size=3), json_values, references)
def test_what_is_hidden_is_shown_nowhere(entries: list[Any], payload: Any, path: str) -> None:
    """Explaining from the redacted payload would show no more."""
    chosen = all_of(*entries)
    shown = redacted(payload, [JsonQuery(path)])
    hidden = hidden_references(chosen, payload, shown)
    for entry in explained(chosen, judge(chosen, payload, NOW), hidden):
        if entry["reference"] not in hidden and entry["value"] is not None:
            assert entry["value"] == explained(chosen, judge(chosen, shown, NOW))[told_at(chosen, entry)]["value"]


def told_at(chosen: Filter, entry: dict[str, Any]) -> int:
    return [path for path, _ in chosen.rule.walk()].index(entry["at"])


def test_the_sample_operands_are_sound() -> None:
    chosen = all_of(condition("$.age", "is_greater_than", 65))
    assert validate_rule(chosen.rule) == []
