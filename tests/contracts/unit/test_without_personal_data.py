"""Events that are told by their ids alone: what stays fits the schema, and nobody can be known by it."""

import json
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from carewire_contracts.event_catalogue import EVENT_CATALOGUE, EventType
from carewire_contracts.wire import decode
from carewire_contracts.without_personal_data import without_personal_data

EACH = pytest.mark.parametrize("event", EVENT_CATALOGUE.values(), ids=EVENT_CATALOGUE)
DOMAIN = pytest.mark.parametrize(
    "event",
    [event for event in EVENT_CATALOGUE.values() if event.family == "domain"],
    ids=[name for name, event in EVENT_CATALOGUE.items() if event.family == "domain"],
)
CANARY = "Iris Canary"
MOMENT = "2026-03-02T08:15:30.120Z"


def payloads(node: Mapping[str, Any], defs: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Anything that a schema admits; where personal data may be there are some."""
    if "$ref" in node:
        return payloads(defs[node["$ref"].rpartition("/")[2]], defs)
    if "const" in node:
        return st.just(node["const"])
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if "anyOf" in node:
        inherited = {"x-personal-data": True} if node.get("x-personal-data") else {}
        return st.one_of([payloads({**branch, **inherited}, defs) for branch in node["anyOf"]])
    if node.get("properties"):
        return objects(node, defs)
    personal = bool(node.get("x-personal-data"))
    match node.get("type"):
        case "null":
            return st.none()
        case "string":
            return st.just(MOMENT if node.get("format") == "date-time" else CANARY if personal else "text")
        case "integer":
            return st.integers(min_value=node.get("minimum", 0), max_value=9)
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(payloads({**node["items"], "x-personal-data": personal}, defs), max_size=2)
        case _:  # an object of any shape, or anything at all
            return st.just({"of": CANARY} if personal else {})


@st.composite
def objects(draw: st.DrawFn, node: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    """An object with what it must have and some of what it may have."""
    fields = node["properties"]
    chosen = [name for name in fields if name in node.get("required", ()) or draw(st.booleans())]
    return {name: draw(payloads(fields[name], defs)) for name in chosen}


def ids_alone(event: EventType, payload: dict[str, Any]) -> dict[str, Any]:
    reduced: dict[str, Any] = without_personal_data(event.name)(payload)
    return reduced


@DOMAIN
@given(st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_of_any_event_what_stays_is_valid_readable_and_tells_of_nobody(event: EventType, data: st.DataObject) -> None:
    schema = event.schema()
    payload = data.draw(payloads(schema, schema["$defs"]))
    Draft202012Validator(schema).validate(payload)
    before = json.dumps(payload)
    reduced = ids_alone(event, payload)
    Draft202012Validator(schema).validate(reduced)
    decode(event.model, orjson.dumps(reduced))
    assert CANARY not in json.dumps(reduced)
    assert ids_alone(event, reduced) == reduced, "what is reduced stays as it is"
    assert json.dumps(payload) == before, "what was given is not touched"


@EACH
def test_ids_type_moment_and_number_stay(event: EventType) -> None:
    payload = json.loads(event.example)
    reduced = ids_alone(event, payload)
    for name in ("event_type", "sequence", "patient_id", "pathway_id", "activity_id", "request_id", "date"):
        assert reduced.get(name) == payload.get(name)
    for name in ("pathway", "activity", "session", "data_point", "clinical_note", "patient", "track"):
        if name in payload:
            assert reduced[name].get("id") == payload[name]["id"]


@EACH
def test_what_holds_no_personal_data_is_told_as_it_is(event: EventType) -> None:
    if not event.personal_fields:
        assert ids_alone(event, json.loads(event.example)) == json.loads(event.example)


@pytest.mark.parametrize(
    ("name", "given_in_full", "told"),
    [
        ("pathway.stopped", {"stop_date": MOMENT, "reason": "Moved to Ghent"}, {"stop_date": MOMENT}),
        (
            "data_point.collected",
            {"data_point": {"id": "d", "value": 6, "label": "six"}},
            {"data_point": {"id": "d", "value": None}},
        ),
        (
            "pathway.started",
            {"pathway": {"id": "c", "patient_identifiers": [{"system": "mrn", "value": "1"}]}},
            {"pathway": {"id": "c"}},
        ),
        (
            "clinical_note.created",
            {"clinical_note": {"id": "n", "narratives": [{"id": "a", "body": "<p>Better</p>"}], "context": []}},
            {"clinical_note": {"id": "n", "narratives": []}},
        ),
        (
            "activity.created",
            {"activity": {"stakeholders": [{"id": "s", "name": "Iris"}], "indirect_object": None}},
            {"activity": {"stakeholders": [{"id": "s"}], "indirect_object": None}},
        ),
        ("activity.created", {"activity": {"stakeholders": None}}, {"activity": {"stakeholders": None}}),
        ("activity.created", {"activity": {"sub_activities": ()}}, {"activity": {"sub_activities": []}}),
    ],
    ids=["left out", "null", "an identifier goes whole", "an empty list", "inside a list", "no list", "a tuple"],
)
def test_what_becomes_of_a_personal_field(name: str, given_in_full: Any, told: Any) -> None:
    assert without_personal_data(name)(given_in_full) == told


def test_a_type_that_there_is_not_is_an_error() -> None:
    with pytest.raises(KeyError):
        without_personal_data("step.completed")


@EACH
def test_where_only_what_is_known_may_stay_the_rest_goes_at_every_depth(event: EventType) -> None:
    payload = json.loads(event.example)
    newer = more_everywhere(payload)
    known_alone = without_personal_data(event.name, known_alone=True)
    assert known_alone(newer) == known_alone(payload) == ids_alone(event, payload)
    assert "canary" in json.dumps(ids_alone(event, newer))


def more_everywhere(value: Any) -> Any:
    """The same, each object with a field more, but for those of any shape."""
    if isinstance(value, list):
        return [more_everywhere(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    open_ones = ("text", "reasons", "form")
    return {name: entry if name in open_ones else more_everywhere(entry) for name, entry in value.items()} | {
        "canary": 1
    }


@pytest.mark.parametrize("known_alone", [False, True])
def test_what_is_no_object_or_no_list_where_one_should_be_is_null(known_alone: bool) -> None:
    reduce = without_personal_data("activity.created", known_alone=known_alone)
    assert reduce({"activity": "text"}) == {"activity": None}
    assert reduce({"activity": {"stakeholders": "text"}}) == {"activity": {"stakeholders": None}}
