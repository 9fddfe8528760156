"""Whose activity it is."""

from typing import Final, Literal

from carewire_contracts.record import record
from carewire_orchestrator.domain.care_flow import Activity, ActivityKind
from carewire_orchestrator.domain.release import Release

PEOPLES_KINDS: Final[frozenset[ActivityKind]] = frozenset({"form", "checklist", "message"})
"""Activities that somebody does; all others the system does."""


@record()
class Assignee:
    """The patient, or a stakeholder of the care team with the label of its role."""

    type: Literal["patient", "stakeholder"]
    id: str
    name: str | None = None


def assignees(release: Release, patient_id: str, activity: Activity) -> list[Assignee]:
    """Those to whom it was given; the patient where nobody is named, nobody where the system acts."""
    if activity.kind not in PEOPLES_KINDS:
        return []
    named = activity.assigned_to
    if named is None:
        named = release.actions[activity.action_id].stakeholder_definition_ids
    return [_assignee(release, patient_id, one) for one in named] or [Assignee("patient", patient_id)]


def _assignee(release: Release, patient_id: str, stakeholder_id: str) -> Assignee:
    stakeholder = release.stakeholders[stakeholder_id]
    if stakeholder.clinical_app_role == "Patient":
        return Assignee("patient", patient_id)
    return Assignee("stakeholder", stakeholder.id, stakeholder.label)
