"""Domain events: the reference's payloads are read, and what we write is what was set."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from carewire_contracts.events import EVENT_TYPES, PathwayCompleted, PathwayStopped, decode_domain_event
from carewire_contracts.wire import decode, encode

BRIEF_PATHWAY = {
    "id": "q7RkP2mVtZ4a",
    "pathway_definition_id": "hipRehab01",
    "patient_id": "Zt8wKx_Lp3Qd0vNsa1bcE",
    "start_date": "2026-03-02T08:15:30.120Z",
}
PATHWAY = BRIEF_PATHWAY | {
    "patient_identifiers": [{"system": "https://north-clinic.example/mrn", "value": "NC-004217"}],
    "tenant_id": "ten_Ab12",
    "pathway_title": "Hip replacement follow-up",
}
SUBJECT = {"type": "awell", "name": "Awell"}
ACTIVITY = {
    "id": "Xk3v9-Qm2LrTt7WbYc0aD",
    "stream_id": "q7RkP2mVtZ4a",
    "date": "2026-03-02T08:15:33.001Z",
    "subject": SUBJECT,
    "action": "assigned",
    "object": {"id": "fRm0091ab", "type": "form", "name": "Weekly pain check"},
    "indirect_object": {"id": "Zt8wKx_Lp3Qd0vNsa1bcE", "type": "patient", "name": "Iris Example"},
    "status": "active",
    "resolution": None,
    "track": {"id": "trk_A1", "title": "Recovery"},
    "label": {"id": "lb1", "color": "green", "text": "Low risk"},
    "sub_activities": [{"id": "sub_1", "subject": SUBJECT, "action": "activate", "date": "2026-03-02T08:15:33.010Z"}],
    "isUserActivity": True,
    "context": {"instance_id": "Xk3v9-Qm2LrTt7WbYc0aD", "pathway_id": "q7RkP2mVtZ4a", "track_id": "trk_A1"},
    "action_component": {"definition_id": "actDef9", "release_id": "rel_33", "title": "Pain form"},
}
DATA_POINT = {
    "id": "dp_551",
    "data_point_definition_id": "qPain01",
    "valueType": "number",
    "value": 6,
    "data_set_id": "q7RkP2mVtZ4a",
    "date": "2026-03-02T19:02:11.400Z",
}
SESSION = {
    "id": "sess_77",
    "created_at": "2026-03-02T18:55:00.000Z",
    "stakeholder": {"id": "Zt8wKx_Lp3Qd0vNsa1bcE", "type": "patient"},
    "success_url": "https://north-clinic.example/thanks",
    "cancel_url": None,
}
EXPIRING = SESSION | {"expires_at": "2026-03-02T19:55:00.000Z"}
TRACK = {"track": {"id": "trk_A1", "title": "Recovery"}, "pathway": PATHWAY}
PERSON = {
    "user": {"id": "Zt8wKx", "tenant_id": "ten_Ab12", "profile_id": "prof_1"},
    "profile": {"identifier": PATHWAY["patient_identifiers"], "sex": "FEMALE", "phone": None},
}
OF_A_FLOW = {"pathway_definition_id": "hipRehab01", "pathway_id": "q7RkP2mVtZ4a", "patient_id": "Zt8wKx"}

PAYLOADS: dict[str, dict[str, Any]] = {
    "pathway.started": {"start_date": "2026-03-02T08:15:30.120Z", "pathway": PATHWAY},
    "pathway.stopped": {"stop_date": "2026-03-09T10:00:00.000Z", "reason": None, "pathway": PATHWAY},
    "pathway.completed": {"complete_date": "2026-05-01T16:40:02.000Z", "pathway": BRIEF_PATHWAY},
    "pathway.deleted": {
        "delete_date": "2026-05-03T09:00:00.000Z",
        "title": "Hip replacement follow-up",
        "patient_id": "Zt8wKx_Lp3Qd0vNsa1bcE",
        "pathway": PATHWAY,
    },
    **{
        f"activity.{verb}": {"activity": ACTIVITY, "pathway": BRIEF_PATHWAY, **OF_A_FLOW}
        for verb in ("created", "updated", "completed", "failed", "expired", "deleted")
    },
    "form.submitted": {
        "activity_id": "Xk3v9",
        "date": "2026-03-02T19:02:11.400Z",
        "response": [DATA_POINT],
        "form": {
            "title": "Weekly pain check",
            "questions": [
                {
                    "title": "Pain today (0-10)",
                    "key": "pain_today",
                    "definition_id": "qPain01",
                    "questionType": "input",
                    "userQuestionType": "slider",
                    "titleHtml": None,
                }
            ],
        },
        "pathway": BRIEF_PATHWAY,
    },
    "data_point.collected": {"data_point": DATA_POINT, "pathway": BRIEF_PATHWAY, **OF_A_FLOW},
    "reminder.created": {
        "reminder": {
            "recipient": {"id": "Zt8wKx", "type": "patient"},
            "recipient_profile": {"name": None, "email": None, "id": "Zt8wKx", "type": "patient"},
            "count_new_activities": 2,
            "count_reminders": 1,
        },
        "pathway": BRIEF_PATHWAY,
    },
    "session.started": {"session": EXPIRING, "pathway": BRIEF_PATHWAY},
    "session.completed": {
        "session": SESSION | {"completed_at": "2026-03-02T19:02:12.000Z"},
        "pathway": BRIEF_PATHWAY,
    },
    "session.expired": {"session": EXPIRING, "pathway": BRIEF_PATHWAY},
    "track.started": TRACK,
    "track.completed": TRACK,
    "track.stopped": TRACK,
    "clinical_note.created": {
        "clinical_note": {
            "id": "note_5",
            "narratives": [{"id": "nar_1", "key": "summary", "title": "Week 1", "body": "<p>Improving.</p>"}],
            "context": [{"key": "encounter", "value": "enc-91"}],
        },
        "pathway": PATHWAY,
    },
    "patient.created": {"patient": {"id": "Zt8wKx", "profile": PERSON["profile"]}},
    "patient.updated": {"patient": PERSON, "date": "2026-03-02T19:02:12.000Z", "tenant_id": "ten_Ab12"},
    "patient.deleted": {"patient": {"id": "Zt8wKx"}},
}


def test_there_are_23_types_and_each_has_a_payload_here() -> None:
    assert len(EVENT_TYPES) == 23
    assert set(PAYLOADS) == set(EVENT_TYPES)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_the_reference_s_payload_is_read_and_written_back_unchanged(event_type: str) -> None:
    payload = PAYLOADS[event_type] | {"event_type": event_type}
    written = json.loads(encode(decode_domain_event(json.dumps(payload).encode())))
    assert written == payload


def test_both_spellings_of_a_note_s_id_are_read() -> None:
    note = PAYLOADS["clinical_note.created"]["clinical_note"]
    other = {**note, "clinical_note_id": note["id"]}
    del other["id"]
    event = PAYLOADS["clinical_note.created"] | {
        "event_type": "clinical_note.created",
        "clinical_note": other,
    }
    assert json.loads(encode(decode_domain_event(json.dumps(event).encode()))) == event


def test_unknown_fields_are_ignored() -> None:
    event = PAYLOADS["pathway.completed"] | {"added_in_2027": 1, "event_type": "pathway.completed"}
    assert decode(PathwayCompleted, json.dumps(event).encode()).pathway.id == "q7RkP2mVtZ4a"


def test_a_null_that_was_set_is_written_and_one_that_was_not_is_absent() -> None:
    pathway = PathwayCompleted.model_validate(PAYLOADS["pathway.completed"]).pathway
    date = "2026-05-01T16:40:02Z"
    said = PathwayStopped.model_validate({"stop_date": date, "reason": None, "pathway": pathway})
    unsaid = PathwayStopped.model_validate({"stop_date": date, "pathway": pathway})
    assert b'"reason":null' in encode(said)
    assert b"reason" not in encode(unsaid)


def test_a_payload_of_no_known_type_is_refused() -> None:
    with pytest.raises(ValidationError):
        decode_domain_event(b'{"event_type":"step.completed"}')


def test_an_event_cannot_be_changed() -> None:
    event = PathwayCompleted.model_validate(PAYLOADS["pathway.completed"])
    with pytest.raises(ValidationError):
        event.event_type = "pathway.completed"  # type: ignore[misc]
