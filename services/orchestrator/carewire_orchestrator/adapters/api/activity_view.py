"""An activity as people see it: what to do, and what it asks."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from carewire_contracts.definition import ChecklistAction, Form, MessageAction
from carewire_orchestrator.domain.care_flow import Activity, ActivityKind, ActivityStatus, CareFlow
from carewire_orchestrator.domain.release import Release


class ActivityView(BaseModel):
    """Something to do; `form`, `items` or `subject` and `body` by its kind."""

    id: str
    care_flow_id: str
    kind: ActivityKind
    title: str
    status: ActivityStatus
    created_at: datetime
    ended_at: datetime | None
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
    action = release.actions[activity.action_id]
    return ActivityView(
        id=activity.id,
        care_flow_id=care_flow.id,
        kind=activity.kind,
        title=action.title,
        status=activity.status,
        created_at=activity.created_at,
        ended_at=activity.ended_at,
        track_id=activity.track_id,
        step_id=activity.step_id,
        action_id=activity.action_id,
        stakeholder_definition_ids=action.stakeholder_definition_ids,
        form=release.action_forms.get(action.id),
        items=action.items if isinstance(action, ChecklistAction) else None,
        subject=action.subject if isinstance(action, MessageAction) else None,
        body=action.body if isinstance(action, MessageAction) else None,
    )
