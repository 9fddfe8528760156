"""What receivers are sent: as little as they asked for, in the form they asked for, and always the same bytes."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.event_catalogue import EVENT_CATALOGUE, EventType
from carewire_contracts.wire import decode
from carewire_dispatcher.domain.content import ATTRIBUTES, CONTENT_TYPES, Attributes, _made, body_of
from carewire_dispatcher.domain.endpoint import ContentMode, Payload

EACH = pytest.mark.parametrize("event", EVENT_CATALOGUE.values(), ids=EVENT_CATALOGUE)
ABOUT: Attributes = (
    ("specversion", "1.0"),
    ("id", "0190f5d2-8a10-7cc1-9d2b-64d1d0c3b001"),
    ("type", "pathway.completed"),
    ("source", "carewire/orchestrator"),
    ("subject", "0190f5d2-8a10-7cc1-9d2b-64d1d0c3c001"),
    ("time", "2026-03-02T08:15:30.120Z"),
    ("sequence", "0000000018"),
)
payloads = st.sampled_from(["full", "thin"])
modes = st.sampled_from(["flat", "cloudevents"])
texts = st.text(st.characters(codec="utf-8"), max_size=20)
documents = st.dictionaries(texts, st.recursive(st.none() | texts | st.integers(0, 2**53), st.lists, max_leaves=5))


@given(st.binary(max_size=60))
def test_all_of_an_event_without_more_is_its_bytes_as_they_are(body: bytes) -> None:
    assert body_of("pathway.completed", body, ABOUT, "full", "flat") is body


@EACH
def test_a_thin_payload_has_the_shape_of_the_full_one_and_no_personal_data(event: EventType) -> None:
    full = json.loads(event.example)
    thin = json.loads(body_of(event.name, event.example, ABOUT, "thin", "flat"))
    decode(event.model, orjson.dumps(thin))
    assert thin["event_type"] == event.name
    for name in ("id", "date", "sequence", "patient_id", "pathway_id", "activity_id"):
        assert thin.get(name) == full.get(name)
    for path in event.personal_fields:
        assert not told(thin, path.split(".")), path


def told(document: Any, path: list[str]) -> bool:
    """Whether a document says anything at a path as the catalogue writes it."""
    if not path:
        return document is not None and document != []
    if isinstance(document, list):
        return any(told(entry, path) for entry in document)
    name = path[0].removesuffix("[]")
    return isinstance(document, dict) and name in document and told(document[name], path[1:])


@EACH
def test_a_cloud_event_holds_the_payload_as_its_data(event: EventType) -> None:
    body = body_of(event.name, event.example, ABOUT, "full", "cloudevents")
    described = json.loads(body)
    assert described == {**dict(ABOUT), "datacontenttype": "application/json", "data": json.loads(event.example)}
    assert event.example.strip() in body
    thin = json.loads(body_of(event.name, event.example, ABOUT, "thin", "cloudevents"))
    assert thin["data"] == json.loads(body_of(event.name, event.example, ABOUT, "thin", "flat"))


def test_attributes_that_an_event_does_not_have_are_left_out() -> None:
    few = tuple(one for one in ABOUT if one[0] not in ("subject", "sequence"))
    described = json.loads(body_of("patient.created", b"{}", few, "full", "cloudevents"))
    assert described.keys() == {"specversion", "id", "type", "source", "time", "datacontenttype", "data"}


@given(documents, st.sampled_from(sorted(EVENT_CATALOGUE)), payloads, modes)
def test_made_again_of_the_same_event_it_is_the_same(
    document: dict[str, Any], event_type: str, payload: Payload, mode: ContentMode
) -> None:
    body = orjson.dumps(document)
    made = body_of(event_type, body, ABOUT, payload, mode)
    _made.cache_clear()
    assert body_of(event_type, bytes(bytearray(body)), tuple(ABOUT), payload, mode) == made
    assert isinstance(json.loads(made), dict)


@given(documents, st.sampled_from(sorted(EVENT_CATALOGUE)))
def test_of_what_no_release_of_ours_knows_a_thin_payload_tells_nothing(
    document: dict[str, Any], event_type: str
) -> None:
    newer = orjson.loads(EVENT_CATALOGUE[event_type].example) | {"canary": document, "pathway": {"canary": document}}
    assert b"canary" not in body_of(event_type, orjson.dumps(newer), ABOUT, "thin", "flat")


@pytest.mark.parametrize("wrong", ["canary", 7, [{"canary": 1}], {"canary": 1}, None])
@pytest.mark.parametrize("name", ["pathway", "activity", "sub_activities"])
def test_nor_of_what_has_another_shape(wrong: Any, name: str) -> None:
    event = {"event_type": "activity.created", "activity": {name: wrong}, name: wrong}
    assert b"canary" not in body_of("activity.created", orjson.dumps(event), ABOUT, "thin", "flat")


def test_of_a_type_that_nobody_knows_a_thin_payload_is_the_type_alone() -> None:
    assert (
        body_of("step.completed", b'{"patient":"canary"}', ABOUT, "thin", "flat") == b'{"event_type":"step.completed"}'
    )


@pytest.mark.parametrize("body", [b"", b"junk", b"[]", b"null", b'"text"', b"\xff", b'{"a":"\xff"}'])
@pytest.mark.parametrize(("payload", "mode"), [("thin", "flat"), ("full", "cloudevents"), ("thin", "cloudevents")])
def test_what_has_to_be_read_and_is_no_event_is_said_to_be_none(
    body: bytes, payload: Payload, mode: ContentMode
) -> None:
    with pytest.raises(ValueError):
        body_of("pathway.completed", body, ABOUT, payload, mode)


@pytest.mark.parametrize("name", ["specversion", "id", "type", "source"])
def test_without_what_every_cloud_event_has_it_is_none(name: str) -> None:
    about = tuple(one for one in ABOUT if one[0] != name)
    assert body_of("pathway.completed", b"{}", about, "thin", "flat") == b"{}"
    with pytest.raises(ValueError):
        body_of("pathway.completed", b"{}", about, "full", "cloudevents")


def test_every_mode_has_a_media_type_and_every_attribute_its_place() -> None:
    assert CONTENT_TYPES == {"flat": "application/json", "cloudevents": "application/cloudevents+json"}
    assert [name for name, _ in ABOUT] == list(ATTRIBUTES)
