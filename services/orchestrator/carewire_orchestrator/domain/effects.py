"""What follows from an event: each effect becomes exactly one domain event, in this order."""

from dataclasses import field
from datetime import datetime
from typing import Literal, TypeAlias

from carewire_contracts.record import record
from carewire_orchestrator.domain.care_flow import Activity, CollectedValue

TrackMove = Literal["started", "completed", "stopped"]
ActivityMove = Literal["created", "updated", "completed", "expired", "failed", "deleted"]


@record()
class CareFlowStarted:
    """`pathway.started`."""

    at: datetime


@record()
class CareFlowStopped:
    """`pathway.stopped`."""

    at: datetime
    reason: str | None


@record()
class CareFlowCompleted:
    """`pathway.completed`."""

    at: datetime


@record()
class TrackMoved:
    """`track.started`, `track.completed` or `track.stopped`."""

    move: TrackMove
    track_id: str


@record()
class ActivityMoved:
    """`activity.created`, `updated` (canceled, given to others, due at another time), `completed` and so on."""

    move: ActivityMove
    activity: Activity


@record()
class FormAnswered:
    """`form.submitted`; each answer is a `DataPointCollected` besides."""

    activity: Activity
    answers: tuple[CollectedValue, ...]
    at: datetime


@record()
class DataPointCollected:
    """`data_point.collected`."""

    value: CollectedValue


@record()
class NoteWritten:
    """`clinical_note.created`; narratives and context as pairs of the definition's key and the text."""

    activity: Activity
    narratives: tuple[tuple[str, str], ...] = field(repr=False)
    context: tuple[tuple[str, str], ...] = field(repr=False)
    at: datetime


@record()
class Reminded:
    """`reminder.created`: one of those whose activity it is was reminded for the nth time."""

    activity: Activity
    recipient_id: str
    recipient_type: Literal["patient", "stakeholder"]
    count: int
    open_activities: int


@record()
class CareFlowDeleted:
    """`pathway.deleted`."""

    at: datetime


Effect: TypeAlias = (
    CareFlowStarted
    | CareFlowStopped
    | CareFlowCompleted
    | CareFlowDeleted
    | TrackMoved
    | ActivityMoved
    | FormAnswered
    | DataPointCollected
    | NoteWritten
    | Reminded
)
