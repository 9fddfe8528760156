"""The files that downstream teams use: frozen beside the models, valid, and agreeing with what is sent."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from carewire_contracts import freeze
from carewire_contracts.asyncapi import asyncapi_document
from carewire_contracts.envelope import Envelope
from carewire_contracts.event_catalogue import EVENT_CATALOGUE, EventType
from carewire_contracts.timestamps import parse_timestamp
from carewire_contracts.topics import Topics
from carewire_contracts.wire import decode, encode

EACH = pytest.mark.parametrize("event", EVENT_CATALOGUE.values(), ids=EVENT_CATALOGUE)


def frozen(event: EventType) -> Draft202012Validator:
    """The schema as it lies in the package."""
    schema = json.loads((freeze.SCHEMAS / event.name / "v1.json").read_bytes())
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def example(event: EventType) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(event.example)
    return payload


def inner_objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a payload."""
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from inner_objects(one)
    elif isinstance(value, list):
        for one in value:
            yield from inner_objects(one)


@EACH
def test_the_example_validates_against_the_frozen_schema(event: EventType) -> None:
    frozen(event).validate(example(event))


@EACH
def test_what_the_model_writes_validates_too(event: EventType) -> None:
    frozen(event).validate(json.loads(encode(decode(event.model, event.example))))


@EACH
def test_a_field_of_tomorrow_is_ignored_at_every_depth(event: EventType) -> None:
    payload = example(event)
    for node in list(inner_objects(payload)):
        node["added_tomorrow"] = "x"
    frozen(event).validate(payload)
    read = decode(event.model, orjson.dumps(payload))
    assert "added_tomorrow" not in json.loads(encode(read))


@EACH
def test_each_field_that_must_be_there_is_missed_by_schema_and_model(event: EventType) -> None:
    schema = event.schema()
    for field in schema["required"]:
        payload = {name: value for name, value in example(event).items() if name != field}
        assert not frozen(event).is_valid(payload), field
        if field not in ("event_type", "status"):  # a model knows its own type, so it needn't be told
            with pytest.raises(ValidationError, match=field):
                decode(event.model, orjson.dumps(payload))


@EACH
@pytest.mark.parametrize("wrong", [5, "text", [], None], ids=repr)
def test_what_is_no_object_is_no_event(event: EventType, wrong: object) -> None:
    assert not frozen(event).is_valid(wrong)
    with pytest.raises(ValidationError):
        decode(event.model, orjson.dumps(wrong))


@EACH
def test_a_schema_says_which_dialect_it_speaks_what_it_is_and_when_the_event_fires(event: EventType) -> None:
    schema = json.loads((freeze.SCHEMAS / event.name / "v1.json").read_bytes())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:carewire:event:{event.name}:v1"
    assert (schema["title"], schema["description"]) == (event.name, event.fires)
    assert schema["properties"]["event_type"]["const"] == event.name


@EACH
def test_personal_fields_of_a_schema_are_fields_that_it_has(event: EventType) -> None:
    schema = event.schema()
    names = {name for node in inner_objects(schema) for name in node.get("properties", {})}
    for path in event.personal_fields:
        assert path.replace("[]", "").rpartition(".")[2] in names, path


def test_every_frozen_schema_belongs_to_an_event_or_to_the_definition_document() -> None:
    assert {path.name for path in freeze.SCHEMAS.iterdir()} == {*EVENT_CATALOGUE, "care-flow-definition"}


def test_every_example_belongs_to_an_event() -> None:
    examples = {path.stem for path in (freeze.PACKAGE / "examples").glob("*.json")}
    assert examples == set(EVENT_CATALOGUE)


def test_the_published_files_are_what_the_models_say_byte_for_byte() -> None:
    for path, content in freeze.published_files().items():
        assert path.read_bytes() == content, path
        assert content.endswith(b"}\n")


def test_a_changed_model_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = copy.deepcopy(freeze.schemas())
    changed["pathway.started"]["description"] = "another sentence"
    monkeypatch.setattr(freeze, "schemas", lambda: changed)
    stale = [path.parent.name for path, content in freeze.published_files().items() if path.read_bytes() != content]
    assert stale == ["pathway.started"]


def test_an_unknown_option_of_the_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        freeze.main(["--publish"])
    assert "--release" in capsys.readouterr().err


DOCUMENT = asyncapi_document("1.2.3")


def test_asyncapi_carries_the_version_that_it_is_told() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"]["version"] == "1.2.3"


@pytest.mark.parametrize(
    ("channel", "topic", "family"),
    [
        ("events", Topics().events.name, "domain"),
        ("incomingWebhooks", Topics().incoming_webhooks.name, "request"),
        ("endpoints", Topics().endpoint_events.name, "endpoint"),
    ],
)
def test_a_channel_is_a_public_topic_with_all_messages_of_its_family(channel: str, topic: str, family: str) -> None:
    described = DOCUMENT["channels"][channel]
    assert described["address"] == topic
    assert described["bindings"]["kafka"]["topic"] == topic
    assert set(described["messages"]) == {name for name, event in EVENT_CATALOGUE.items() if event.family == family}
    assert "Keyed by" in described["description"]


def test_no_other_topic_is_public() -> None:
    assert set(DOCUMENT["channels"]) == {"events", "incomingWebhooks", "endpoints"}
    assert {operation["action"] for operation in DOCUMENT["operations"].values()} == {"receive"}


@pytest.mark.parametrize("operation", ["receiveEvents", "receiveIncomingWebhooks", "receiveEndpoints"])
def test_an_operation_points_to_a_channel_that_is_there(operation: str) -> None:
    reference = DOCUMENT["operations"][operation]["channel"]["$ref"]
    assert reference.removeprefix("#/channels/") in DOCUMENT["channels"]


@EACH
def test_a_message_stands_alone_and_its_example_fits_its_payload(event: EventType) -> None:
    message = DOCUMENT["components"]["messages"][event.name]
    payload = message["payload"]
    assert not [node for node in inner_objects(payload) if {"$ref", "$defs", "$id", "$schema"} & node.keys()]
    Draft202012Validator(payload).validate(message["examples"][0]["payload"])
    assert message["summary"] == event.fires


@EACH
def test_the_inlined_payload_admits_what_the_schema_admits(event: EventType) -> None:
    inlined = Draft202012Validator(DOCUMENT["components"]["messages"][event.name]["payload"])
    payload = example(event)
    for field in list(payload):
        fewer = {name: value for name, value in payload.items() if name != field}
        assert inlined.is_valid(fewer) == frozen(event).is_valid(fewer), field
        other = payload | {field: [[]]}
        assert inlined.is_valid(other) == frozen(event).is_valid(other), field


@EACH
def test_the_headers_of_a_record_fit_the_described_ones(event: EventType) -> None:
    envelope = Envelope("e1", event.name, "carewire/x", parse_timestamp("2026-03-02T08:15:30.120Z"), "about", 7)
    written = {name: value.decode() for name, value in envelope.headers("00-" + "a" * 32 + "-" + "b" * 16 + "-01")}
    described = DOCUMENT["components"]["schemas"]["cloudEventHeaders"]
    Draft202012Validator(described).validate(written)
    assert set(written) == set(described["properties"])
    for name in described["required"]:
        fewer = {key: value for key, value in written.items() if key != name}
        assert not Draft202012Validator(described).is_valid(fewer)
