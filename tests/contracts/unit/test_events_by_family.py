"""Domain events by family: what each needs, which words its fields take, and how it is told from the others."""

import copy
import json
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.events import EVENT_TYPES, decode_domain_event
from carewire_contracts.receive import UnknownEventError, parse
from carewire_contracts.wire import encode


def payload(event_type: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EVENT_CATALOGUE[event_type].example)
    return found


def changed(event_type: str, path: str, value: Any) -> bytes:
    """The example with another value at a dotted path."""
    whole = copy.deepcopy(payload(event_type))
    *parents, last = path.split(".")
    here: Any = whole
    for name in parents:
        here = here[int(name) if isinstance(here, list) else name]
    here[last] = value
    return orjson.dumps(whole)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_an_event_is_read_by_its_type_into_its_own_model(event_type: str) -> None:
    event = decode_domain_event(EVENT_CATALOGUE[event_type].example)
    assert type(event) is EVENT_CATALOGUE[event_type].model
    assert event.event_type == event_type


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_reading_by_any_way_gives_the_same(event_type: str) -> None:
    body = EVENT_CATALOGUE[event_type].example
    assert parse(body) == decode_domain_event(body) == parse(encode(parse(body)))


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_the_type_is_matched_to_the_letter(event_type: str) -> None:
    for other in (event_type.upper(), f" {event_type}", event_type.replace(".", "_"), ""):
        with pytest.raises(ValidationError):
            decode_domain_event(changed(event_type, "event_type", other))
        with pytest.raises(UnknownEventError):
            parse(changed(event_type, "event_type", other))


# path within an event, words that it takes, words that it does not
WORDS: dict[str, tuple[str, list[Any], list[Any]]] = {
    "activity.status": (
        "activity.created",
        ["active", "canceled", "done", "expired", "failed", "deleted"],
        ["ACTIVE", "cancelled", "", None, "pending"],
    ),
    "activity.resolution": ("activity.completed", ["success", "failure", "expired", None], ["SUCCESS", "ok", ""]),
    "activity.reference_type": (
        "activity.created",
        ["agent", "navigation", "orchestration", "reminder", None],
        ["ORCHESTRATION", "form"],
    ),
    "activity.isUserActivity": ("activity.created", [True, False], [None, "perhaps", []]),
    "session.stakeholder.type": ("session.started", ["patient", "stakeholder"], ["PATIENT", "user", None]),
    "reminder.count_reminders": ("reminder.created", [0, 1, 100], ["many", None, 1.5]),
    "form.questions.0.questionType": (
        "form.submitted",
        ["input", "no_input", "multiple_choice"],
        ["INPUT", "slider", None],
    ),
    "data_point.value": ("data_point.collected", [1, 0.5, "x", True, None, [1], {"a": 1}], []),
    "data_point.valueType": ("data_point.collected", ["number", "NUMBER", "anything"], [None, 5]),
    "pathway.patient_identifiers": (
        "pathway.completed",
        [[], [{"system": "https://x", "value": "1"}]],
        [None, [{"system": "https://x"}], [{"value": "1"}], {}],
    ),
    "pathway.id": ("pathway.started", ["q7RkP2mVtZ4a", "01995f3a-7c41-7a00-8000-000000000001"], [None, 5]),
    "pathway.start_date": (
        "pathway.started",
        ["2026-03-02T08:15:30.120Z", "2026-03-02T09:15:30+01:00"],
        ["2026-03-02T08:15:30", "yesterday", None],
    ),
    "reason": ("pathway.stopped", ["moved", "", None], [5, []]),
    "clinical_note.context": ("clinical_note.created", [[], [1], [{"any": "thing"}]], [None, "x"]),
    "track.title": ("track.started", ["Recovery", ""], [None, 5]),
}


@pytest.mark.parametrize(("path", "event_type", "good"), [(p, t, g) for p, (t, g, _) in WORDS.items()], ids=WORDS)
def test_a_field_takes(path: str, event_type: str, good: list[Any]) -> None:
    for value in good:
        decode_domain_event(changed(event_type, path, value))


@pytest.mark.parametrize(("path", "event_type", "bad"), [(p, t, b) for p, (t, _, b) in WORDS.items()], ids=WORDS)
def test_a_field_does_not_take(path: str, event_type: str, bad: list[Any]) -> None:
    for value in bad:
        with pytest.raises(UnknownEventError, match=f"look at {path.partition('.')[0]}"):
            parse(changed(event_type, path, value))


@pytest.mark.parametrize("event_type", [name for name in EVENT_TYPES if name.startswith("pathway.")])
def test_a_care_flow_s_event_has_its_own_date(event_type: str) -> None:
    verb = {"started": "start", "stopped": "stop", "completed": "complete", "deleted": "delete"}
    field = f"{verb[event_type.partition('.')[2]]}_date"
    fewer = {name: value for name, value in payload(event_type).items() if name != field}
    with pytest.raises(UnknownEventError, match=f"look at {field}$"):
        parse(orjson.dumps(fewer))


@pytest.mark.parametrize("field", ["patient_identifiers", "tenant_id", "pathway_title"])
def test_an_older_care_flow_without_the_later_fields_is_still_read(field: str) -> None:
    whole = payload("pathway.completed")
    del whole["pathway"][field]
    assert field not in json.loads(encode(parse(orjson.dumps(whole))))["pathway"]


@pytest.mark.parametrize("field", ["id", "pathway_definition_id", "patient_id", "start_date"])
def test_a_care_flow_is_nothing_without_these(field: str) -> None:
    whole = payload("pathway.completed")
    del whole["pathway"][field]
    with pytest.raises(UnknownEventError, match=f"pathway.{field}"):
        parse(orjson.dumps(whole))


@pytest.mark.parametrize("event_type", [name for name in EVENT_TYPES if name.startswith("activity.")])
def test_an_activity_of_the_system_is_assigned_to_nobody(event_type: str) -> None:
    whole = payload(event_type)
    for field in ("indirect_object", "track", "label", "context", "resolution"):
        whole["activity"].pop(field, None)
    written = json.loads(encode(parse(orjson.dumps(whole))))
    assert "indirect_object" not in written["activity"]


@pytest.mark.parametrize("event_type", ["activity.created", "activity.updated", "activity.completed"])
def test_a_member_of_staff_may_be_unknown(event_type: str) -> None:
    nobody = {"stytch_member_id": None, "stytch_member_email": None}
    assert json.loads(encode(parse(changed(event_type, "user_context", nobody))))["user_context"] == nobody
    without = {name: value for name, value in payload(event_type).items() if name != "user_context"}
    assert "user_context" not in json.loads(encode(parse(orjson.dumps(without))))


@pytest.mark.parametrize("field", ["created_at", "completed_at"])
def test_a_completed_session_says_when(field: str) -> None:
    whole = payload("session.completed")
    del whole["session"][field]
    with pytest.raises(UnknownEventError, match=f"session.{field}"):
        parse(orjson.dumps(whole))


@pytest.mark.parametrize("event_type", ["session.started", "session.expired"])
def test_an_open_or_expired_session_says_until_when(event_type: str) -> None:
    whole = payload(event_type)
    del whole["session"]["expires_at"]
    with pytest.raises(UnknownEventError, match=r"session\.expires_at"):
        parse(orjson.dumps(whole))


@pytest.mark.parametrize(
    "patient",
    [
        {"id": "p1"},
        {"user": {"id": "p1", "tenant_id": "t1"}},
        {"id": "p1", "user": {"id": "p1", "tenant_id": "t1", "profile_id": "f1"}},
        {"id": "p1", "profile": {}},
        {"id": "p1", "profile": {"identifier": [{"system": "https://x", "value": "1"}], "address": {"country": "BE"}}},
    ],
    ids=["an id", "a user", "both", "an empty profile", "a little profile"],
)
@pytest.mark.parametrize("event_type", ["patient.created", "patient.updated", "patient.deleted"])
def test_a_patient_is_read_in_every_shape_that_consumers_know(event_type: str, patient: dict[str, Any]) -> None:
    written = json.loads(encode(parse(orjson.dumps({"event_type": event_type, "patient": patient}))))
    assert written["patient"] == patient


@pytest.mark.parametrize("reason", ["failing", "gone", "operator"])
def test_an_endpoint_is_disabled_for_one_of_three_reasons(reason: str) -> None:
    assert b'"reason":"%s"' % reason.encode() in encode(parse(changed("endpoint.disabled", "reason", reason)))


@pytest.mark.parametrize("reason", ["", "FAILING", "bored", None])
def test_and_for_no_other(reason: str | None) -> None:
    with pytest.raises(UnknownEventError, match="look at reason"):
        parse(changed("endpoint.disabled", "reason", reason))


@pytest.mark.parametrize("name", [name for name, event in EVENT_CATALOGUE.items() if event.family == "endpoint"])
def test_an_endpoint_event_names_a_host_and_never_a_whole_address(name: str) -> None:
    example = payload(name)
    assert "url" not in example
    assert "/" not in example["host"]
