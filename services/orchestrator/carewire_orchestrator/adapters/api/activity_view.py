"""An activity as people see it: what to do, and what it asks."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from carewire_contracts.definition import ChecklistAction, Form, MessageAction
from carewire_orchestrator.domain.activity_details import title_of
from carewire_orchestrator.domain.care_flow import Activity, ActivityKind, ActivityStatus, CareFlow, Letter, Reason
from carewire_orchestrator.domain.release import Release


class ActivityView(BaseModel):
    """Something to do; `form`, `items` or `subject` and `body` by its kind.

    `due_at` is when a timer's wait is over. `reason` is why it failed, or what it waits for.
    """

    id: str
    care_flow_id: str
    kind: ActivityKind
    title: str
    status: ActivityStatus
    created_at: datetime
    ended_at: datetime | None
    due_at: datetime | None = None
    reason: Reason | None = None
    track_id: str
    step_id: str
    action_id: str
    stakeholder_definition_ids: Sequence[str]
    form: Form | None = None
    items: Sequence[str] | None = None
    subject: str | None = None
    body: str | None = None


def view_activity(release: Release, care_flow: CareFlow, activity: Activity) -> ActivityView:
    """Show an activity of a care flow that runs this release."""
    action = release.actions.get(activity.action_id)
    letter = activity.letter or (Letter(action.subject, action.body) if isinstance(action, MessageAction) else None)
    named = () if action is None else action.stakeholder_definition_ids
    return ActivityView(
        id=activity.id,
        care_flow_id=care_flow.id,
        kind=activity.kind,
        title=title_of(release, activity),
        status=activity.status,
        created_at=activity.created_at,
        ended_at=activity.ended_at,
        due_at=activity.due_at,
        reason=activity.reason,
        track_id=activity.track_id,
        step_id=activity.step_id,
        action_id=activity.action_id,
        stakeholder_definition_ids=named if activity.assigned_to is None else activity.assigned_to,
        form=release.action_forms.get(activity.action_id),
        items=action.items if isinstance(action, ChecklistAction) else None,
        subject=None if letter is None else letter.subject,
        body=None if letter is None else letter.body,
    )
