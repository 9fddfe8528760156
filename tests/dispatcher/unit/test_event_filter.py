"""Filters of endpoints: what they see of an event, what is wrong with one, and how a verdict is explained."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.json_path import InvalidPath
from carewire_contracts.rules import Rule
from carewire_dispatcher.domain.event_filter import EventFilter, filter_faults
from carewire_dispatcher.domain.explaining import Explanation
from carewire_dispatcher.domain.matching import Event, Subscribers
from carewire_testing_dispatcher.deliveries import an_endpoint

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENT = {
    "event_type": "activity.created",
    "activity": {"object": {"type": "form", "name": "Pain"}, "tags": ["a", "b"], "date": "2026-03-01T12:00:00Z"},
    "pathway": {"pathway_definition_id": "hip"},
    "answers": [{"key": "pain", "score": 7}, {"key": "mood", "score": 3}],
}


def a_filter(*conditions: tuple[Any, ...], join: str = "all") -> EventFilter:
    entries = [dict(zip(("reference", "operator", "operand"), each, strict=False)) for each in conditions]
    return EventFilter.of(Rule.model_validate({join: entries}))


def passes(chosen: EventFilter, event: object = EVENT) -> bool:
    return chosen.judge(event, NOON).satisfied


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (("$.activity.object.type", "is_equal_to", "form"), True),
        (("$.activity.object.type", "is_equal_to", "message"), False),
        (("$.activity.tags", "contains", "b"), True),
        (("$.answers[?@.key == 'pain'].score", "is_greater_than", 5), True),
        (("$.answers[*].score", "is_any_of", [3]), True),
        (("$.answers[*].score", "is_equal_to", 7), False),
        (("$.missing", "is_empty"), True),
        (("$.missing", "is_not_equal_to", "x"), False),
        (("$.activity.date", "is_less_than_x_days_ago", 2), True),
        (("$.activity.date", "is_less_than_x_days_ago", 0.5), False),
        (("$.activity.object.name", "is_equal_to", {"data_point": "$.activity.object.name"}), True),
        (("$.activity.object.name", "is_equal_to", {"data_point": "$.missing"}), False),
    ],
)
def test_a_condition_sees_what_its_path_leads_to(condition: tuple[Any, ...], expected: bool) -> None:
    assert passes(a_filter(condition)) is expected


def test_conditions_are_joined_as_the_rule_says() -> None:
    form, message = (("$.activity.object.type", "is_equal_to", kind) for kind in ("form", "message"))
    assert not passes(a_filter(form, message))
    assert passes(a_filter(form, message, join="any"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda of: (
            st.lists(of) | st.dictionaries(st.sampled_from(["activity", "object", "type", "answers", "score"]), of)
        ),
    )
)
def test_whatever_an_event_is_there_is_a_verdict(event: Any) -> None:
    chosen = a_filter(("$.activity.object.type", "is_equal_to", "form"), ("$..score", "is_greater_than", 1), join="any")
    assert passes(chosen, event) in {True, False}


def test_a_rule_with_a_path_that_is_none_is_no_filter() -> None:
    with pytest.raises(InvalidPath):
        a_filter(("$.a[", "is_empty"))


def test_everything_that_is_wrong_with_a_filter_is_told_at_once_and_where() -> None:
    entries = [
        {"reference": "$.fine", "operator": "is_empty"},
        {"reference": "$.a[", "operator": "is_equal_to", "operand": "canary"},
        {"any": [{"reference": "b", "operator": "is_in_range", "operand": [9, 1]}]},
        {"reference": "$.fine", "operator": "is_equal_to", "operand": {"data_point": "$..a..b"}},
        {"reference": "$.fine", "operator": "is_equal_to"},
    ]
    faults = dict(filter_faults(Rule.model_validate({"all": entries})))
    assert set(faults) == {
        "all[1].reference",
        "all[2].any[0]",
        "all[2].any[0].reference",
        "all[3].operand",
        "all[4]",
    }
    assert "canary" not in str(faults)


def test_a_good_filter_has_no_faults() -> None:
    assert not list(filter_faults(a_filter(("$.a", "is_equal_to", 1)).rule))


TODAY = a_filter(("$.activity.date", "is_today"))


def test_days_count_from_the_moment_of_the_event_whenever_it_is_looked_at() -> None:
    endpoint = an_endpoint(filter=TODAY)
    day_before = int((NOON - timedelta(days=1)).timestamp() * 1000)
    body = orjson.dumps(EVENT)
    assert Subscribers([endpoint]).of(Event("activity.created", body, day_before)) == (endpoint,)
    assert Subscribers([endpoint]).of(Event("activity.created", body, day_before + 86_400_000)) == ()


FORMS = a_filter(("$.activity.object.type", "is_equal_to", "form"))
MESSAGES = a_filter(("$.activity.object.type", "is_equal_to", "message"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (True, True, True)),
        ({"event_types": frozenset({"pathway.completed"})}, (False, True, True)),
        ({"definition_ids": frozenset({"knee"})}, (True, False, True)),
        ({"filter": MESSAGES}, (True, True, False)),
        ({"filter": FORMS, "definition_ids": frozenset({"hip"})}, (True, True, True)),
    ],
)
def test_each_choice_of_an_endpoint_is_told_apart(fields: dict[str, Any], expected: tuple[bool, bool, bool]) -> None:
    told = Explanation.of(an_endpoint(**fields), "activity.created", EVENT, NOON)
    assert (told.type_wanted, told.definition_wanted, told.passes_filter) == expected
    assert told.wanted is all(expected)


def test_an_explanation_shows_what_was_compared_with_what() -> None:
    chosen = a_filter(("$.activity.object.type", "is_equal_to", "message"), ("$.missing", "is_equal_to", 1))
    told = Explanation.of(an_endpoint(filter=chosen), "activity.created", EVENT, NOON).conditions
    assert [(one.at, one.outcome.value, one.outcome.operand, one.outcome.empty) for one in told] == [
        ("all[0]", "form", "message", False),
        ("all[1]", None, 1, True),
    ]
    assert "form" not in repr(told)


@given(
    st.sampled_from(["activity.created", "pathway.completed"]),
    st.none() | st.just(frozenset({"activity.created"})),
    st.none() | st.sampled_from([frozenset({"hip"}), frozenset({"knee"})]),
    st.sampled_from([None, FORMS, MESSAGES, TODAY]),
)
def test_an_explanation_never_says_otherwise_than_fan_out_does(
    event_type: str, types: frozenset[str] | None, definitions: frozenset[str] | None, chosen: EventFilter | None
) -> None:
    endpoint = an_endpoint(event_types=types, definition_ids=definitions, filter=chosen)
    event = Event(event_type, orjson.dumps(EVENT), int(NOON.timestamp() * 1000))
    told = Explanation.of(endpoint, event_type, EVENT, NOON)
    assert told.wanted is bool(Subscribers([endpoint]).of(event))
