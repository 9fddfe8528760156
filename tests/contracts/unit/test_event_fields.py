"""Every field of every event, optional or not: the model and the published schema agree on what may be sent.

From each schema the fullest payload is made, with every field that it knows. Then each field in turn is left
out, or null: what the schema allows is read and written back as it was, anything else is refused.
"""

import contextlib
import copy
import itertools
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.wire import decode, encode

Path = tuple[str | int, ...]
GONE = object()
OF_EACH_MODEL = {event.model: name for name, event in EVENT_CATALOGUE.items()}.values()


def fullest(node: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A value with every field that a schema knows: of alternatives the first that is not null."""
    if "$ref" in node:
        return fullest(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
    if "const" in node:
        return node["const"]
    if "enum" in node:
        return node["enum"][0]
    alternatives = node.get("anyOf", node.get("oneOf", []))
    if alternatives:
        return fullest(next(one for one in alternatives if one.get("type") != "null"), schema)
    if node.get("type") == "array":
        return [fullest(node.get("items", {}), schema)]
    if node.get("type") == "object":
        named = {name: fullest(inner, schema) for name, inner in node.get("properties", {}).items()}
        extra = node.get("additionalProperties")
        return named or ({"key": fullest(extra, schema)} if isinstance(extra, dict) else {})
    return _scalar(node)


def _scalar(node: dict[str, Any]) -> Any:
    if node.get("format") == "date-time":
        return "2026-03-02T08:15:30.120Z"
    return {"integer": 7, "number": 1.5, "boolean": True}.get(node.get("type", ""), "text")


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every field of a payload, however deep."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        if isinstance(value, dict):
            yield (*path, key)
        yield from places(one, (*path, key))


def with_field(payload: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(payload)
    here: Any = changed
    for key in path[:-1]:
        here = here[key]
    if value is GONE:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return changed


def without(payload: dict[str, Any], path: Path) -> dict[str, Any]:
    try:
        return with_field(payload, path, GONE)
    except KeyError:
        return payload


def read_and_written(event_type: str, payload: dict[str, Any]) -> Any:
    return json.loads(encode(decode(EVENT_CATALOGUE[event_type].model, json.dumps(payload).encode())))


@pytest.mark.parametrize("event_type", OF_EACH_MODEL)
def test_the_fullest_payload_is_valid_and_written_back_unchanged(event_type: str) -> None:
    schema = EVENT_CATALOGUE[event_type].schema()
    payload = fullest(schema, schema)
    jsonschema.validate(payload, schema)
    assert read_and_written(event_type, payload) == payload


@pytest.mark.parametrize("event_type", OF_EACH_MODEL)
def test_each_field_may_be_null_or_left_out_exactly_where_the_schema_says_so(event_type: str) -> None:
    schema = EVENT_CATALOGUE[event_type].schema()
    payload = fullest(schema, schema)
    validator = jsonschema.Draft202012Validator(schema)
    disagreed = []
    for path, value in itertools.product(places(payload), (None, GONE)):
        changed = with_field(payload, path, value)
        try:
            read = read_and_written(event_type, changed)
        except ValidationError:
            read = None
        agreed = (read is not None) == validator.is_valid(changed)
        if not agreed or (read is not None and without(read, path) != without(changed, path)):
            disagreed.append((path, value, read))
    # A model knows its own type, so it needn't be told; the schema is for those who only have the bytes.
    assert [path for path, _, _ in disagreed if path != ("event_type",)] == []


@pytest.mark.parametrize("event_type", OF_EACH_MODEL)
def test_a_null_that_was_sent_is_still_there_when_it_is_written_back(event_type: str) -> None:
    schema = EVENT_CATALOGUE[event_type].schema()
    payload = fullest(schema, schema)
    for path in places(payload):
        changed = with_field(payload, path, None)
        with contextlib.suppress(ValidationError):
            assert read_and_written(event_type, changed) == changed
