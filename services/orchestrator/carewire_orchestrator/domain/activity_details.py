"""An activity in the form in which domain events tell of it (reference, section 1.2)."""

from typing import Final

from carewire_contracts.definition import FormAction, StopCareFlowAction
from carewire_contracts.events import activity as contract
from carewire_orchestrator.domain.care_flow import Activity, ActivityKind, ActivityStatus, CareFlow
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.supported import RunnableAction

_SYSTEM: Final = contract.Subject(type="awell", name="Awell")
"""The subject that the reference documents for every activity; consumers compare with it."""

_VERBS: Final[dict[ActivityKind, str]] = {
    "form": "assigned",
    "checklist": "assigned",
    "message": "send",
    "stop_care_flow": "stopped",
}

_RESOLUTIONS: Final[dict[ActivityStatus, contract.Resolution | None]] = {
    ActivityStatus.ACTIVE: None,
    ActivityStatus.DONE: "success",
    ActivityStatus.CANCELED: None,
    ActivityStatus.EXPIRED: "expired",
}


def describe_activity(release: Release, care_flow: CareFlow, activity: Activity) -> contract.Activity:
    """Describe an activity of a care flow that runs this release."""
    action = release.actions[activity.action_id]
    track = release.tracks[activity.track_id]
    assigned = _assigned_to(release, care_flow, action)
    described = contract.Activity(
        id=activity.id,
        stream_id=care_flow.id,
        date=activity.created_at,
        subject=_SYSTEM,
        action=_VERBS[activity.kind],
        object=_object(care_flow, action),
        status=activity.status.value,
        resolution=_RESOLUTIONS[activity.status],
        track=contract.ActivityTrack(id=track.id, title=track.title),
        sub_activities=(),
        isUserActivity=bool(assigned),
        context=_context(care_flow, activity),
        reference_type="orchestration",
        container_name=release.steps[activity.step_id].title,
        action_component=contract.ActionComponent(
            definition_id=action.id, release_id=release.release_id, title=action.title
        ),
    )
    # Absent, not null, where the system itself acts; the list only where the one field cannot say it.
    told: dict[str, object] = {"indirect_object": assigned[0]} if assigned else {}
    if len(assigned) > 1:
        told["stakeholders"] = tuple(assigned)
    return described.model_copy(update=told)


def _object(care_flow: CareFlow, action: RunnableAction) -> contract.ActivityObject:
    if isinstance(action, FormAction):
        return contract.ActivityObject(id=action.form_definition_id, type="form", name=action.title)
    if isinstance(action, StopCareFlowAction):
        return contract.ActivityObject(id=care_flow.id, type="pathway", name=action.title)
    return contract.ActivityObject(id=action.id, type=action.type, name=action.title)


def _context(care_flow: CareFlow, activity: Activity) -> contract.ActivityContext:
    return contract.ActivityContext(
        instance_id=activity.id,
        pathway_id=care_flow.id,
        track_id=activity.track_id,
        step_id=activity.step_id,
        action_id=activity.action_id,
    )


def _assigned_to(release: Release, care_flow: CareFlow, action: RunnableAction) -> list[contract.ActivityObject]:
    """Whose activity it is; the patient's where the designer named nobody, nobody's where the system acts."""
    if isinstance(action, StopCareFlowAction):
        return []
    patient = contract.ActivityObject(id=care_flow.patient_id, type="patient")
    assigned = []
    for stakeholder_id in action.stakeholder_definition_ids:
        stakeholder = release.stakeholders[stakeholder_id]
        if stakeholder.clinical_app_role == "Patient":
            assigned.append(patient)
        else:
            assigned.append(contract.ActivityObject(id=stakeholder.id, type="stakeholder", name=stakeholder.label))
    return assigned or [patient]
