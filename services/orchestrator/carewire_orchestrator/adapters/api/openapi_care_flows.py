"""Examples of what the routes of care flows, activities and sessions answer."""

from collections.abc import Mapping
from typing import Any, Final

_CARE_FLOW: Final = "0198c0de-0000-7000-8000-000000000001"
_PATIENT: Final = "0198c0de-0000-7000-8000-000000000002"
_ACTIVITY: Final = "7d9e1a3c-5b42-5f0e-9c1d-2a4b6c8d0e1f"
_TIMER: Final = "1c2d3e4f-5a6b-5c7d-8e9f-0a1b2c3d4e5f"
_STARTED: Final = "2026-03-02T08:15:30.120000Z"
_LATER: Final = "2026-03-02T19:02:11.400000Z"

_SUMMARY: Final = {
    "id": _CARE_FLOW,
    "patient_id": _PATIENT,
    "definition_id": "hip-follow-up",
    "release_id": "0198c0de-0000-7000-8000-000000000003",
    "status": "active",
    "started_at": _STARTED,
    "ended_at": None,
}
_OPEN: Final = {
    "id": _ACTIVITY,
    "care_flow_id": _CARE_FLOW,
    "kind": "checklist",
    "title": "Call the patient",
    "status": "active",
    "created_at": _STARTED,
    "ended_at": None,
    "due_at": None,
    "reason": None,
    "track_id": "follow_up",
    "step_id": "week_1",
    "action_id": "call",
    "stakeholder_definition_ids": ["nurse"],
    "form": None,
    "items": ["Ask about pain", "Ask about the wound"],
    "subject": None,
    "body": None,
}
_DETAILS: Final = {
    **_SUMMARY,
    "title": "Hip replacement follow-up",
    "version": 3,
    "stop_reason": None,
    "pause_reason": None,
    "tracks": [{"id": "follow_up", "title": "Follow-up", "status": "active"}],
    "steps": [{"id": "week_1", "title": "Week 1", "status": "active"}],
    "activities": [_OPEN],
}
_TRACKS: Final = [
    {"id": "follow_up", "title": "Follow-up", "status": "active", "ad_hoc": False, "scheduled": []},
    {
        "id": "extra_visit",
        "title": "Extra visit",
        "status": None,
        "ad_hoc": True,
        "scheduled": [{"timer_id": _TIMER, "at": "2026-03-09T08:00:00Z"}],
    },
]
_VALUE: Final = {
    "id": "3f1d2c4b-6a58-5e7f-8091-a2b3c4d5e6f7",
    "definition_id": "q_pain",
    "key": "weekly_pain.pain_today",
    "category": "form",
    "value_type": "number",
    "value": 6,
    "collected_at": _LATER,
}
_CHANGE: Final = {
    "at": _LATER,
    "what": "activity.complete",
    "cause": {"kind": "principal", "id": "0198c0de-0000-7000-8000-000000000004", "name": "ward 4"},
    "events": [
        {"sequence": 7, "event_type": "activity.completed", "subject_id": _ACTIVITY},
        {"sequence": 8, "event_type": "track.completed", "subject_id": "follow_up"},
        {"sequence": 9, "event_type": "pathway.completed", "subject_id": None},
    ],
}
_DONE: Final = {
    "activity": {**_OPEN, "status": "done", "ended_at": _LATER},
    "care_flow_status": "active",
}
_SESSION: Final = {
    "id": "0198c0de-0000-7000-8000-000000000005",
    "care_flow_id": _CARE_FLOW,
    "stakeholder": {"id": "nurse", "type": "stakeholder"},
    "status": "active",
    "created_at": _STARTED,
    "expires_at": "2026-03-02T09:15:30.120000Z",
    "ended_at": None,
    "success_url": "https://clinic.example/thanks",
    "cancel_url": None,
    "pending": 1,
}
_FOUND: Final = {"items": [_OPEN], "next_cursor": None}


def _not_possible(code: str, detail: str, title: str = "Not possible now", **more: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": 409, "detail": detail, "code": code, **more}


def _nothing(what: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": "Not found", "status": 404, "detail": f"there is no such {what}"}


def _wrong(field: str, message: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": "Invalid values",
        "status": 422,
        "detail": "some values are missing or do not fit their definitions",
        "errors": [{"field": field, "message": message}],
    }


_ONE: Final = "/v1/care-flows/{care_flow_id}"
_ACT: Final = "/v1/activities/{activity_id}"
_NO_CARE_FLOW: Final = {"404": _nothing("care flow")}
_NO_ACTIVITY: Final = {"404": _nothing("activity")}
_NO_SESSION: Final = {"404": _nothing("session")}
_ENDED: Final = {"409": _not_possible("care_flow_ended", "the care flow has ended; start a new one")}
_PAUSED: Final = {"409": _not_possible("care_flow_paused", "the care flow is paused; resume it first")}
_DONE_BEFORE: Final = {"409": _not_possible("activity_ended", "the activity has ended already")}
_ENROLLED: Final = _not_possible(
    "active_care_flow",
    "the patient has an active care flow of this definition",
    title="Enrolled already",
    care_flow_id=_CARE_FLOW,
)
_REQUIRED: Final = "this data point is required; give it a value"

CARE_FLOW_EXAMPLES: Final[dict[str, Mapping[str, Any]]] = {
    "POST /v1/care-flows": {
        "201": _DETAILS,
        "404": _nothing("patient"),
        "409": _ENROLLED,
        "410": {
            "type": "about:blank",
            "title": "Deleted",
            "status": 410,
            "detail": "the patient was deleted; until they are erased, an admin can restore them",
            "code": "patient_deleted",
        },
        "422": _wrong("surgery_date", _REQUIRED),
    },
    "GET /v1/care-flows": {"200": {"items": [_SUMMARY], "next_cursor": None}},
    f"GET {_ONE}": {"200": _DETAILS, **_NO_CARE_FLOW},
    f"DELETE {_ONE}": _NO_CARE_FLOW,
    f"POST {_ONE}/stop": {
        "200": {**_DETAILS, "status": "stopped", "stop_reason": "Moved away", "ended_at": _LATER},
        **_NO_CARE_FLOW,
        **_ENDED,
    },
    f"POST {_ONE}/pause": {
        "200": {**_DETAILS, "status": "paused", "pause_reason": "On holiday"},
        **_NO_CARE_FLOW,
        **_PAUSED,
    },
    f"POST {_ONE}/resume": {
        "200": _DETAILS,
        **_NO_CARE_FLOW,
        "409": _not_possible("care_flow_not_paused", "the care flow is not paused"),
    },
    f"GET {_ONE}/activities": {"200": _FOUND, **_NO_CARE_FLOW},
    f"GET {_ONE}/data-points": {"200": [_VALUE], **_NO_CARE_FLOW},
    f"POST {_ONE}/baseline": {
        "200": [_VALUE],
        **_NO_CARE_FLOW,
        **_PAUSED,
        "422": _wrong("surgery_date", "a value that was given cannot be taken back; give another one"),
    },
    f"GET {_ONE}/tracks": {"200": _TRACKS, **_NO_CARE_FLOW},
    f"POST {_ONE}/tracks/{{track_id}}/add": {
        "200": _TRACKS,
        **_NO_CARE_FLOW,
        "409": _not_possible("track_active", "the track is active already"),
    },
    f"POST {_ONE}/tracks/{{track_id}}/schedule": {"200": _TRACKS, **_NO_CARE_FLOW, **_PAUSED},
    f"POST {_ONE}/tracks/{{track_id}}/stop": {
        "200": _TRACKS,
        **_NO_CARE_FLOW,
        "409": _not_possible("track_not_active", "the track is not active"),
    },
    f"POST {_ONE}/scheduled-tracks/{{timer_id}}/cancel": {
        "200": _TRACKS,
        **_NO_CARE_FLOW,
        "409": _not_possible("timer_not_pending", "the care flow waits for no such moment any more"),
    },
    f"GET {_ONE}/timeline": {"200": {"items": [_CHANGE], "next_cursor": None}, **_NO_CARE_FLOW},
    "GET /v1/activities": {"200": _FOUND},
    f"GET {_ACT}": {"200": _OPEN, **_NO_ACTIVITY},
    f"POST {_ACT}/submit": {
        "200": _DONE,
        **_NO_ACTIVITY,
        **_DONE_BEFORE,
        "422": _wrong("pain_today", "this question is required; answer it"),
    },
    f"POST {_ACT}/complete": {"200": _DONE, **_NO_ACTIVITY, **_DONE_BEFORE},
    f"POST {_ACT}/read": {"200": _DONE, **_NO_ACTIVITY, **_DONE_BEFORE},
    f"POST {_ACT}/skip": {
        "200": _DONE,
        **_NO_ACTIVITY,
        "409": _not_possible("timer_not_skippable", "the definition does not let this timer be skipped"),
    },
    f"POST {_ACT}/resume": {"200": _DONE, **_NO_ACTIVITY, **_DONE_BEFORE},
    f"POST {_ACT}/expire": {"200": _DONE, **_NO_ACTIVITY, **_DONE_BEFORE},
    f"POST {_ACT}/retry": {
        "200": {"activity": {**_OPEN, "status": "failed", "ended_at": _LATER}, "care_flow_status": "active"},
        **_NO_ACTIVITY,
        "409": _not_possible("activity_not_failed", "the activity has not failed; only what has failed is tried again"),
    },
    f"POST {_ACT}/reassign": {
        "200": {"activity": _OPEN, "care_flow_status": "active"},
        **_NO_ACTIVITY,
        **_DONE_BEFORE,
        "422": _wrong(
            "stakeholder_definition_ids", "the definition has no such stakeholder; look at its `stakeholders`"
        ),
    },
    "POST /v1/sessions": {
        "201": {**_SESSION, "token": "q7RkP2mVtZ4aZt8wKx_Lp3Qd0vNsa1bcEhipRehab01"},
        **_NO_CARE_FLOW,
        "409": _not_possible("nothing_pending", "nothing is left for this stakeholder to do; look at the activities"),
    },
    "GET /v1/sessions/{session_id}": {"200": _SESSION, **_NO_SESSION},
    "POST /v1/sessions/open": {
        "200": {**_SESSION, "activities": [_OPEN]},
        **_NO_SESSION,
        "409": _not_possible("session_expired", "the session has ended; start a new one if something is left to do"),
    },
}
"""By operation and status, as in `openapi_examples.json`."""
