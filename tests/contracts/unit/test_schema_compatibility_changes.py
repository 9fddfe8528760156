"""Each kind of change of a published schema: those that break a reader are named, the harmless ones let through.

The mutations are made on the real schemas, so that a shape that only one event has is not forgotten.
"""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from carewire_contracts.freeze import schemas
from carewire_contracts.schema_compatibility import breaking_changes

SCHEMAS = schemas()
WRITTEN = {name: orjson.dumps(schema) for name, schema in SCHEMAS.items()}
ALL = pytest.mark.parametrize("name", SCHEMAS)
Change = Callable[[dict[str, Any]], None]


def objects(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Every object of a document with the fields it has: its root and its definitions."""
    return [one for one in (schema, *schema.get("$defs", {}).values()) if one.get("properties")]


def in_object(index: int, act: Callable[[dict[str, Any], str], None], field: str) -> Change:
    """Do something to a field of one of a document's objects."""

    def changed(schema: dict[str, Any]) -> None:
        act(objects(schema)[index], field)

    return changed


def _add(node: dict[str, Any], field: str) -> None:
    node["properties"][field] = {"type": "string"}


def _drop(node: dict[str, Any], field: str) -> None:
    del node["properties"][field]


def _retype(node: dict[str, Any], field: str) -> None:
    node["properties"][field] = {"type": "boolean"}


def _require(node: dict[str, Any], field: str) -> None:
    node["required"] = [*node.get("required", ()), field]


def _excuse(node: dict[str, Any], field: str) -> None:
    node["required"].remove(field)


def after(name: str, change: Change) -> list[str]:
    released = SCHEMAS[name]
    current = orjson.loads(WRITTEN[name])
    change(current)
    return breaking_changes(released, current)


@ALL
def test_a_field_that_vanishes_from_any_object_is_named(name: str) -> None:
    for index, node in enumerate(objects(SCHEMAS[name])):
        for field in node["properties"]:
            changed = after(name, in_object(index, _drop, field))
            assert any(each.endswith(f"{field}: removed or renamed") for each in changed), (name, field)


@ALL
def test_a_renamed_field_is_a_vanished_one(name: str) -> None:
    def rename(schema: dict[str, Any]) -> None:
        fields = schema["properties"]
        fields["renamed"] = fields.pop(next(iter(fields)))

    first = next(iter(SCHEMAS[name]["properties"]))
    assert f"{first}: removed or renamed" in after(name, rename)


@ALL
def test_a_field_that_must_be_there_all_at_once_is_named(name: str) -> None:
    for index, node in enumerate(objects(SCHEMAS[name])):
        for field in set(node["properties"]) - set(node.get("required", ())):
            changed = after(name, in_object(index, _require, field))
            assert any(each.endswith(f"{field}: newly required") for each in changed), (name, field)


@ALL
def test_a_new_field_that_must_be_there_is_named(name: str) -> None:
    def add(schema: dict[str, Any]) -> None:
        schema["properties"]["urgency"] = {"type": "string"}
        _require(schema, "urgency")

    assert after(name, add) == ["urgency: newly required"]


@ALL
def test_a_field_that_was_always_sent_and_now_is_not_is_named(name: str) -> None:
    for field in SCHEMAS[name]["required"]:
        changed = after(name, in_object(0, _excuse, field))
        assert changed == [f"{field}: no longer always sent"]


@ALL
def test_another_type_is_named(name: str) -> None:
    for field in SCHEMAS[name]["properties"]:
        changed = after(name, in_object(0, _retype, field))
        assert any(each.startswith(f"{field}: its type changed from ") for each in changed), (name, field)


@ALL
def test_a_new_optional_field_in_any_object_is_let_through(name: str) -> None:
    for index, _ in enumerate(objects(SCHEMAS[name])):
        changed = after(name, in_object(index, _add, "urgency"))
        assert changed == []


@ALL
def test_other_words_of_description_are_let_through(name: str) -> None:
    def describe(schema: dict[str, Any]) -> None:
        for node in objects(schema):
            node["description"] = "said better"
            for field in node["properties"].values():
                field["description"] = "said better"

    assert after(name, describe) == []


@ALL
def test_another_order_of_fields_is_let_through(name: str) -> None:
    def turn_round(schema: dict[str, Any]) -> None:
        for node in objects(schema):
            node["properties"] = dict(reversed(node["properties"].items()))
            node["required"] = list(reversed(node.get("required", [])))

    assert after(name, turn_round) == []


@ALL
def test_everything_gone_at_once_is_named_field_by_field(name: str) -> None:
    changed = after(name, lambda schema: schema.update(properties={}, required=[]))
    fields = SCHEMAS[name]["properties"]
    assert {each for each in changed if each.endswith("removed or renamed")} == {
        f"{field}: removed or renamed" for field in fields
    }


def field_of(kind: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"value": kind}, "required": ["value"]}


TIGHTER = {
    "a higher minimum": ({"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 1}, "minimum"),
    "a new minimum": ({"type": "integer"}, {"type": "integer", "minimum": 0}, "minimum"),
    "a lower maximum": ({"type": "integer", "maximum": 9}, {"type": "integer", "maximum": 8}, "maximum"),
    "a new maximum": ({"type": "number"}, {"type": "number", "maximum": 8}, "maximum"),
    "a higher open minimum": (
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "number", "exclusiveMinimum": 0.5},
        "exclusiveMinimum",
    ),
    "a lower open maximum": (
        {"type": "number", "exclusiveMaximum": 9},
        {"type": "number", "exclusiveMaximum": 8},
        "exclusiveMaximum",
    ),
    "a longer shortest text": ({"type": "string", "minLength": 1}, {"type": "string", "minLength": 2}, "minLength"),
    "a shorter longest text": (
        {"type": "string", "maxLength": 512},
        {"type": "string", "maxLength": 128},
        "maxLength",
    ),
    "a new longest text": ({"type": "string"}, {"type": "string", "maxLength": 128}, "maxLength"),
    "a list that may not be empty": ({"type": "array"}, {"type": "array", "minItems": 1}, "minItems"),
    "a shorter list": ({"type": "array", "maxItems": 10}, {"type": "array", "maxItems": 9}, "maxItems"),
    "a new pattern": ({"type": "string"}, {"type": "string", "pattern": "^a"}, "pattern"),
    "another pattern": ({"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "^b"}, "pattern"),
    "a new format": ({"type": "string"}, {"type": "string", "format": "date-time"}, "format"),
}
LOOSER = {
    "a lower minimum": ({"type": "integer", "minimum": 1}, {"type": "integer", "minimum": 0}),
    "no minimum any more": ({"type": "integer", "minimum": 1}, {"type": "integer"}),
    "a higher maximum": ({"type": "integer", "maximum": 8}, {"type": "integer", "maximum": 9}),
    "a longer longest text": ({"type": "string", "maxLength": 128}, {"type": "string", "maxLength": 512}),
    "a shorter shortest text": ({"type": "string", "minLength": 2}, {"type": "string", "minLength": 1}),
    "a longer list": ({"type": "array", "maxItems": 9}, {"type": "array", "maxItems": 10}),
    "a list that may be empty now": ({"type": "array", "minItems": 1}, {"type": "array"}),
    "no pattern any more": ({"type": "string", "pattern": "^a"}, {"type": "string"}),
    "the same pattern": ({"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "^a"}),
}


@pytest.mark.parametrize(("before", "now", "keyword"), TIGHTER.values(), ids=TIGHTER)
def test_tighter_bounds_are_named(before: dict[str, Any], now: dict[str, Any], keyword: str) -> None:
    assert breaking_changes(field_of(before), field_of(now)) == [f"value: narrowed by {keyword}"]


@pytest.mark.parametrize(("before", "now"), LOOSER.values(), ids=LOOSER)
def test_looser_bounds_are_let_through(before: dict[str, Any], now: dict[str, Any]) -> None:
    assert breaking_changes(field_of(before), field_of(now)) == []


def test_bounds_are_compared_within_alternatives_and_items() -> None:
    short, long = ({"type": "string", "maxLength": length} for length in (5, 9))
    null = {"type": "null"}
    assert breaking_changes(field_of({"anyOf": [long, null]}), field_of({"anyOf": [null, short]})) == [
        "value: narrowed by maxLength"
    ]
    assert breaking_changes(
        field_of({"type": "array", "items": long}), field_of({"type": "array", "items": short})
    ) == ["value[]: narrowed by maxLength"]


def test_several_bounds_of_a_field_are_named_each() -> None:
    before, now = {"type": "integer"}, {"type": "integer", "minimum": 0, "maximum": 9}
    assert breaking_changes(field_of(before), field_of(now)) == [
        "value: narrowed by maximum",
        "value: narrowed by minimum",
    ]
