"""The catalogue: every public event, with an example that validates and honest marks of personal data."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from carewire_contracts.event_catalogue import EVENT_CATALOGUE, EventType
from carewire_contracts.events import EVENT_TYPES
from carewire_contracts.wire import decode, encode

GOLDEN = Path(__file__).parents[1] / "golden"
ALL = pytest.mark.parametrize("event", EVENT_CATALOGUE.values(), ids=EVENT_CATALOGUE)


def test_it_holds_the_23_domain_events_the_six_statuses_and_the_endpoint_events() -> None:
    assert {name for name, event in EVENT_CATALOGUE.items() if event.family == "domain"} == set(EVENT_TYPES)
    assert sum(event.family == "request" for event in EVENT_CATALOGUE.values()) == 6
    assert sum(event.family == "endpoint" for event in EVENT_CATALOGUE.values()) == 3
    assert [name for name, event in EVENT_CATALOGUE.items() if event.family == "heartbeat"] == ["endpoint.heartbeat"]


@ALL
def test_each_says_what_it_means_and_when_it_fires_in_a_sentence(event: EventType) -> None:
    for sentence in (event.meaning, event.fires):
        assert sentence[0].isupper()
        assert sentence.endswith(".")


@ALL
def test_each_example_validates_against_its_schema_and_survives_its_model(event: EventType) -> None:
    example = json.loads(event.example)
    Draft202012Validator(event.schema(), format_checker=Draft202012Validator.FORMAT_CHECKER).validate(example)
    assert json.loads(encode(decode(event.model, event.example))) == example


@pytest.mark.parametrize("golden", sorted(GOLDEN.rglob("*.json")), ids=lambda path: f"{path.parent.name} {path.stem}")
def test_the_bytes_of_every_version_so_far_are_still_read_and_still_written_the_same(golden: Path) -> None:
    event, written = EVENT_CATALOGUE[golden.parent.name], golden.read_bytes()
    assert encode(decode(event.model, written)) == written


@ALL
def test_there_are_bytes_of_version_1(event: EventType) -> None:
    assert (GOLDEN / event.name / "v1.json").is_file()


@ALL
def test_every_event_of_a_care_flow_has_a_number_within_it_and_no_other_event_has(event: EventType) -> None:
    of_a_care_flow = event.family == "domain" and not event.name.startswith("patient.")
    assert ("sequence" in event.schema()["properties"]) is of_a_care_flow
    assert ("sequence" in json.loads(event.example)) is of_a_care_flow
    assert "sequence" not in event.schema()["required"], "events of old have none, and are valid"
    if of_a_care_flow:
        for wrong in (0, -1, "1"):
            changed = json.loads(event.example) | {"sequence": wrong}
            assert not Draft202012Validator(event.schema()).is_valid(changed)


@ALL
def test_a_schema_admits_its_own_type_alone(event: EventType) -> None:
    other = json.loads(event.example) | {"event_type": "another.type"}
    assert not Draft202012Validator(event.schema()).is_valid(other)


@pytest.mark.parametrize(
    ("event_type", "field"),
    [
        ("pathway.completed", "pathway.patient_identifiers[].value"),
        ("activity.created", "activity.indirect_object.name"),
        ("activity.created", "user_context.stytch_member_email"),
        ("form.submitted", "response[].value"),
        ("data_point.collected", "data_point.value"),
        ("reminder.created", "reminder.recipient_profile.email"),
        ("clinical_note.created", "clinical_note.narratives[].body"),
        ("patient.created", "patient.profile.birth_date"),
        ("patient.created", "patient.profile.identifier[].value"),
    ],
)
def test_what_may_hold_personal_data_is_marked(event_type: str, field: str) -> None:
    assert field in EVENT_CATALOGUE[event_type].personal_fields


@pytest.mark.parametrize("family", ["request", "endpoint"])
def test_status_and_endpoint_events_hold_no_personal_data(family: str) -> None:
    assert [e.personal_fields for e in EVENT_CATALOGUE.values() if e.family == family and e.personal_fields] == []


def test_ids_and_titles_are_not_marked() -> None:
    fields = {field for event in EVENT_CATALOGUE.values() for field in event.personal_fields}
    assert not {field for field in fields if field.endswith((".id", ".pathway_title", "patient_id"))}
