"""What breaks a reader of a released schema is named; what only adds is not."""

from typing import Any

import pytest

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.schema_compatibility import breaking_changes

STRING = {"type": "string"}
NULL = {"type": "null"}


def schema(fields: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(required)}


RELEASED = schema(
    {
        "id": STRING,
        "reason": {"anyOf": [STRING, NULL]},
        "status": {"enum": ["active", "done"], "type": "string"},
        "tags": {"type": "array", "items": STRING},
        "inner": {"$ref": "#/$defs/Inner"},
        "list": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Inner"}}, NULL]},
        "value": {},
    },
    ("id", "inner"),
) | {"$defs": {"Inner": schema({"name": STRING}, ("name",))}}


def changed(**fields: Any) -> dict[str, Any]:
    return RELEASED | {"properties": RELEASED["properties"] | fields}


def without(name: str) -> dict[str, Any]:
    return RELEASED | {"properties": {k: v for k, v in RELEASED["properties"].items() if k != name}}


def inner(**changes: Any) -> dict[str, Any]:
    return RELEASED | {"$defs": {"Inner": RELEASED["$defs"]["Inner"] | changes}}


@pytest.mark.parametrize(
    ("current", "named"),
    [
        (without("reason"), ["reason: removed or renamed"]),
        (without("id") | {"required": ["inner"]}, ["id: removed or renamed"]),
        (changed(id={"type": "integer"}), ["id: its type changed from string to integer"]),
        (changed(reason=STRING), ["reason: its type changed from null or string to string"]),
        (changed(value=STRING), ["value: its type changed from anything to string"]),
        (changed(tags={"type": "array", "items": NULL}), ["tags[]: its type changed from string to null"]),
        (changed(status={"enum": ["active"], "type": "string"}), ["status: values removed"]),
        (changed(id={"type": "string", "enum": ["a"]}), ["id: narrowed to a list of values"]),
        (RELEASED | {"required": ["id", "inner", "reason"]}, ["reason: newly required"]),
        (RELEASED | {"required": ["id"]}, ["inner: no longer always sent"]),
        (inner(properties={}, required=[]), ["inner.name: removed or renamed", "list[].name: removed or renamed"]),
        (inner(required=[]), ["inner.name: no longer always sent", "list[].name: no longer always sent"]),
    ],
)
def test_what_breaks_a_reader_is_named_with_its_path(current: dict[str, Any], named: list[str]) -> None:
    assert breaking_changes(RELEASED, current) == named


@pytest.mark.parametrize(
    "current",
    [
        RELEASED,
        changed(added=STRING),
        changed(status={"enum": ["active", "done", "expired"], "type": "string"}),
        changed(status=STRING),
        changed(id={"type": "string", "description": "now described"}),
        inner(properties={"name": STRING, "nickname": STRING}),
    ],
)
def test_what_only_adds_is_compatible(current: dict[str, Any]) -> None:
    assert breaking_changes(RELEASED, current) == []


def test_everything_is_named_at_once() -> None:
    assert len(breaking_changes(RELEASED, schema({}))) == len(RELEASED["properties"])


@pytest.mark.parametrize("event", EVENT_CATALOGUE.values(), ids=EVENT_CATALOGUE)
def test_every_schema_is_compatible_with_itself_and_broken_by_each_removal(event: Any) -> None:
    current = event.schema()
    assert breaking_changes(current, current) == []
    for name in current["properties"]:
        fewer = current | {"properties": {k: v for k, v in current["properties"].items() if k != name}}
        assert f"{name}: removed or renamed" in breaking_changes(current, fewer)


def variant(title: str, kind: str, **fields: Any) -> dict[str, Any]:
    return schema({"type": {"const": kind}} | fields, ("type",)) | {"title": title}


def union(*variants: dict[str, Any]) -> dict[str, Any]:
    return schema({"action": {"oneOf": list(variants)}})


FORM, MESSAGE = variant("Form", "form", asks=STRING), variant("Message", "message", body=STRING)


@pytest.mark.parametrize(
    ("current", "named"),
    [
        (union(MESSAGE, FORM, variant("Call", "call")), []),
        (union(FORM, variant("Message", "message")), ["action.body: removed or renamed"]),
        (union(FORM, variant("Call", "call")), ["action: alternative Message removed"]),
    ],
)
def test_the_alternatives_of_a_union_are_compared_one_by_one(current: dict[str, Any], named: list[str]) -> None:
    assert breaking_changes(union(FORM, MESSAGE), current) == named
