"""`advance`: the one function by which a care flow changes.

Given a release, a care flow, an event and the moment, it answers the care flow afterwards and the effects in
order, or why the event cannot happen. It is pure and total: no clock, no randomness (ids are derived from the
care flow's own id and its event counter), no exception. What a care flow does by itself stands in `progress`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from carewire_contracts.record import record
from carewire_orchestrator.domain.care_flow import Activity, ActivityKind, CareFlow, CareFlowStatus
from carewire_orchestrator.domain.effects import Effect
from carewire_orchestrator.domain.events import (
    ActivityDone,
    CareFlowEvent,
    ChecklistCompleted,
    FormSubmitted,
    MessageRead,
    Started,
    Stopped,
)
from carewire_orchestrator.domain.progress import Progress
from carewire_orchestrator.domain.release import Release


class Refusal(StrEnum):
    """Why an event cannot happen to a care flow. The list is closed."""

    ALREADY_STARTED = "already_started"
    NOT_STARTED = "not_started"
    CARE_FLOW_ENDED = "care_flow_ended"
    ACTIVITY_NOT_FOUND = "activity_not_found"
    ACTIVITY_ENDED = "activity_ended"
    OTHER_KIND_OF_ACTIVITY = "other_kind_of_activity"


@record()
class Advanced:
    """The care flow afterwards, and what followed."""

    care_flow: CareFlow
    effects: tuple[Effect, ...]


def advance(release: Release, care_flow: CareFlow, event: CareFlowEvent, now: datetime) -> Advanced | Refusal:
    """Let an event happen to a care flow that runs this release. `now` is aware, and cut to milliseconds."""
    refusal = _refusal(care_flow, event)
    if refusal is not None:
        return refusal
    progress = Progress(release, care_flow, _whole_milliseconds(now))
    match event:
        case Started():
            progress.start(event.baseline)
        case Stopped():
            progress.stop(event.reason)
        case FormSubmitted():
            progress.submit_form(care_flow.activities[event.activity_id], event.answers)
        case ChecklistCompleted() | MessageRead():
            progress.complete_activity(care_flow.activities[event.activity_id])
        case _:
            assert_never(event)
    progress.settle()
    return Advanced(progress.care_flow(), progress.effects())


_STATUS_REFUSALS: Final = {
    CareFlowStatus.STARTING: Refusal.NOT_STARTED,
    CareFlowStatus.COMPLETED: Refusal.CARE_FLOW_ENDED,
    CareFlowStatus.STOPPED: Refusal.CARE_FLOW_ENDED,
}

_KINDS: Final[dict[type[ActivityDone], ActivityKind]] = {
    FormSubmitted: "form",
    ChecklistCompleted: "checklist",
    MessageRead: "message",
}


def _refusal(care_flow: CareFlow, event: CareFlowEvent) -> Refusal | None:
    if isinstance(event, Started):
        return None if care_flow.status is CareFlowStatus.STARTING else Refusal.ALREADY_STARTED
    if care_flow.status is not CareFlowStatus.ACTIVE:
        return _STATUS_REFUSALS[care_flow.status]
    if isinstance(event, Stopped):
        return None
    return _activity_refusal(care_flow.activities.get(event.activity_id), event)


def _activity_refusal(activity: Activity | None, event: ActivityDone) -> Refusal | None:
    if activity is None:
        return Refusal.ACTIVITY_NOT_FOUND
    if activity.kind != _KINDS[type(event)]:
        return Refusal.OTHER_KIND_OF_ACTIVITY
    return None if activity.is_open else Refusal.ACTIVITY_ENDED


def _whole_milliseconds(moment: datetime) -> datetime:
    """Cut what no timestamp on the wire says, so that a stored care flow reads back equal."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
