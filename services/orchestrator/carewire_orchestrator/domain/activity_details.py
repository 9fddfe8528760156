"""An activity in the form in which domain events tell of it (reference, section 1.2)."""

from typing import Any, Final

from carewire_contracts.definition import FormAction, StopCareFlowAction
from carewire_orchestrator.domain.care_flow import Activity, ActivityKind, ActivityStatus, CareFlow
from carewire_orchestrator.domain.moments import write_moment
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.supported import RunnableAction

Document = dict[str, Any]
"""A JSON object, to be written as it stands."""

_SYSTEM: Final = {"type": "awell", "name": "Awell"}
"""The subject that the reference documents for every activity; consumers compare with it."""

_VERBS: Final[dict[ActivityKind, str]] = {
    "form": "assigned",
    "checklist": "assigned",
    "message": "send",
    "stop_care_flow": "stopped",
}

_RESOLUTIONS: Final[dict[ActivityStatus, str | None]] = {
    ActivityStatus.ACTIVE: None,
    ActivityStatus.DONE: "success",
    ActivityStatus.CANCELED: None,
    ActivityStatus.EXPIRED: "expired",
}


def describe_activity(release: Release, care_flow: CareFlow, activity: Activity) -> Document:
    """Describe an activity of a care flow that runs this release, in the contract's order of fields."""
    action = release.actions[activity.action_id]
    track = release.tracks[activity.track_id]
    assigned = _assigned_to(release, care_flow, action)
    described: Document = {
        "id": activity.id,
        "stream_id": care_flow.id,
        "date": write_moment(activity.created_at),
        "subject": _SYSTEM,
        "action": _VERBS[activity.kind],
        "object": _object(care_flow, action),
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
        "context": _context(care_flow, activity),
        "reference_type": "orchestration",
        "container_name": release.steps[activity.step_id].title,
        "action_component": {"definition_id": action.id, "release_id": release.release_id, "title": action.title},
    }
    if len(assigned) > 1:
        described["stakeholders"] = assigned
    return described


def _object(care_flow: CareFlow, action: RunnableAction) -> Document:
    if isinstance(action, FormAction):
        return {"type": "form", "id": action.form_definition_id, "name": action.title}
    if isinstance(action, StopCareFlowAction):
        return {"type": "pathway", "id": care_flow.id, "name": action.title}
    return {"type": action.type, "id": action.id, "name": action.title}


def _context(care_flow: CareFlow, activity: Activity) -> Document:
    return {
        "instance_id": activity.id,
        "pathway_id": care_flow.id,
        "track_id": activity.track_id,
        "step_id": activity.step_id,
        "action_id": activity.action_id,
    }


def _assigned_to(release: Release, care_flow: CareFlow, action: RunnableAction) -> list[Document]:
    """Whose activity it is; the patient's where the designer named nobody, nobody's where the system acts."""
    if isinstance(action, StopCareFlowAction):
        return []
    patient = {"type": "patient", "id": care_flow.patient_id}
    assigned = []
    for stakeholder_id in action.stakeholder_definition_ids:
        stakeholder = release.stakeholders[stakeholder_id]
        if stakeholder.clinical_app_role == "Patient":
            assigned.append(patient)
        else:
            assigned.append({"type": "stakeholder", "id": stakeholder.id, "name": stakeholder.label})
    return assigned or [patient]
