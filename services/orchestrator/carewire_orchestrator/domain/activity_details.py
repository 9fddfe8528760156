"""An activity in the form in which domain events tell of it (reference, section 1.2)."""

from typing import Any, Final

from carewire_orchestrator.domain.assignees import Assignee, assignees
from carewire_orchestrator.domain.care_flow import Activity, ActivityKind, ActivityStatus, CareFlow
from carewire_orchestrator.domain.moments import write_moment
from carewire_orchestrator.domain.release import Release

Document = dict[str, Any]
"""A JSON object, to be written as it stands."""

_SYSTEM: Final = {"type": "awell", "name": "Awell"}
"""The subject that the reference documents for every activity; consumers compare with it."""

_VERBS: Final[dict[ActivityKind, str]] = {
    "form": "assigned",
    "checklist": "assigned",
    "message": "send",
    "stop_care_flow": "stopped",
    "calculation": "computed",
    "clinical_note": "generated",
    "api_call": "send",
    "timer": "scheduled",
    "evaluated_rule": "is_waiting_on",
}

_RESOLUTIONS: Final[dict[ActivityStatus, str | None]] = {
    ActivityStatus.ACTIVE: None,
    ActivityStatus.DONE: "success",
    ActivityStatus.CANCELED: None,
    ActivityStatus.EXPIRED: "expired",
    ActivityStatus.FAILED: "failure",
    ActivityStatus.DELETED: None,
}

_UNDECIDED: Final = "A rule meets an empty value"


def describe_activity(release: Release, care_flow: CareFlow, activity: Activity) -> Document:
    """Describe an activity of a care flow that runs this release, in the contract's order of fields."""
    track = release.tracks[activity.track_id]
    assigned = [_person(one) for one in assignees(release, care_flow.patient_id, activity)]
    described: Document = {
        "id": activity.id,
        "stream_id": care_flow.id,
        "date": write_moment(activity.created_at),
        "subject": _SYSTEM,
        "action": _VERBS[activity.kind],
        "object": _object(release, care_flow, activity),
    }
    # Absent, not null, where the system itself acts; the list only where the one field cannot say it.
    if assigned:
        described["indirect_object"] = assigned[0]
    described |= {
        "status": activity.status.value,
        "resolution": _RESOLUTIONS[activity.status],
        "track": {"title": track.title, "id": track.id},
        "sub_activities": (),
        "isUserActivity": bool(assigned),
        "context": _context(release, care_flow, activity),
        "reference_type": "orchestration",
    }
    if activity.step_id in release.steps:
        described["container_name"] = release.steps[activity.step_id].title
    if activity.action_id in release.actions:
        described["action_component"] = _component(release, activity)
    if activity.due_at is not None or activity.reason is not None:
        described["metadata"] = _metadata(activity)
    if len(assigned) > 1:
        described["stakeholders"] = assigned
    return described


def _person(assignee: Assignee) -> Document:
    described = {"type": assignee.type, "id": assignee.id}
    return described if assignee.name is None else described | {"name": assignee.name}


def title_of(release: Release, activity: Activity) -> str:
    """The title that the designer gave to what is to be done."""
    if activity.kind == "timer":
        return release.timers[activity.step_id].title
    return _UNDECIDED if activity.kind == "evaluated_rule" else release.actions[activity.action_id].title


def _object(release: Release, care_flow: CareFlow, activity: Activity) -> Document:
    return {
        "type": "pathway" if activity.kind == "stop_care_flow" else activity.kind,
        "id": _object_id(release, care_flow, activity),
        "name": title_of(release, activity),
    }


def _object_id(release: Release, care_flow: CareFlow, activity: Activity) -> str:
    match activity.kind:
        case "form":
            return release.action_forms[activity.action_id].id
        case "stop_care_flow":
            return care_flow.id
        case "evaluated_rule":
            return activity.step_id or activity.track_id
        case _:
            return activity.action_id


def _context(release: Release, care_flow: CareFlow, activity: Activity) -> Document:
    context = {"instance_id": activity.id, "pathway_id": care_flow.id, "track_id": activity.track_id}
    if activity.step_id in release.steps:
        context["step_id"] = activity.step_id
    if activity.action_id in release.actions:
        context["action_id"] = activity.action_id
    return context


def _component(release: Release, activity: Activity) -> Document:
    action = release.actions[activity.action_id]
    return {"definition_id": action.id, "release_id": release.release_id, "title": action.title}


def _metadata(activity: Activity) -> Document:
    """Why it waits or failed, and when its wait is over: the reference has no fields of its own for them."""
    due_at = None if activity.due_at is None else write_moment(activity.due_at)
    found = {"reason": activity.reason, "due_date": due_at}
    return {name: value for name, value in found.items() if value is not None}
