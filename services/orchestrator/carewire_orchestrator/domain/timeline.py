"""What a timeline says of a care flow: what happened, and every domain event that followed from it.

A change is written with the number of its first event, so the numbers of the others need not be: events of one care
flow are numbered without gaps.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias, assert_never

from carewire_contracts.record import record
from carewire_orchestrator.domain import events
from carewire_orchestrator.domain.effects import (
    ActivityMoved,
    CareFlowCompleted,
    CareFlowDeleted,
    CareFlowStarted,
    CareFlowStopped,
    DataPointCollected,
    Effect,
    FormAnswered,
    NoteWritten,
    Reminded,
    TrackMoved,
)

What: TypeAlias = str
"""A happening in two words, such as `activity.submit`; the audit record uses the same."""

STARTED: Final[What] = "care_flow.start"
SESSION_STARTED: Final[What] = "session.start"
SESSION_EXPIRED: Final[What] = "session.expire"

WHAT: Final[Mapping[type[events.CareFlowEvent], What]] = {
    events.Started: STARTED,
    events.FormSubmitted: "activity.submit",
    events.ChecklistCompleted: "activity.complete",
    events.MessageRead: "activity.read",
    events.TimerSkipped: "activity.skip",
    events.Resumed: "activity.resume",
    events.ActivityExpired: "activity.expire",
    events.ActivityReassigned: "activity.reassign",
    events.ActivityRetried: "activity.retry",
    events.ApiCallAnswered: "api_call.answer",
    events.ApiCallFailed: "api_call.fail",
    events.TimerDue: "timer.fire",
    events.BaselineUpdated: "baseline.update",
    events.TrackAdded: "track.add",
    events.TrackScheduled: "track.schedule",
    events.TrackUnscheduled: "track.unschedule",
    events.TrackStopped: "track.stop",
    events.Paused: "care_flow.pause",
    events.Unpaused: "care_flow.resume",
    events.Stopped: "care_flow.stop",
    events.Deleted: "care_flow.delete",
}
"""The words of every event that can happen to a care flow."""


@record()
class Told:
    """A domain event as a timeline names it: its type, and the id of what it is about (empty: the care flow)."""

    event_type: str
    subject_id: str


def told(effect: Effect) -> Told:
    """The domain event that an effect becomes."""
    match effect:
        case CareFlowStarted():
            return Told("pathway.started", "")
        case CareFlowStopped():
            return Told("pathway.stopped", "")
        case CareFlowCompleted():
            return Told("pathway.completed", "")
        case CareFlowDeleted():
            return Told("pathway.deleted", "")
        case TrackMoved():
            return Told(f"track.{effect.move}", effect.track_id)
        case ActivityMoved():
            return Told(f"activity.{effect.move}", effect.activity.id)
        case FormAnswered():
            return Told("form.submitted", effect.activity.id)
        case DataPointCollected():
            return Told("data_point.collected", effect.value.given.definition_id)
        case NoteWritten():
            return Told("clinical_note.created", effect.activity.id)
        case Reminded():
            return Told("reminder.created", effect.activity.id)
        case _:
            assert_never(effect)
