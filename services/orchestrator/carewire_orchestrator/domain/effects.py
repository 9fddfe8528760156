"""What follows from an event: each effect becomes exactly one domain event, in this order."""

from datetime import datetime
from typing import Literal, TypeAlias

from carewire_contracts.record import record
from carewire_orchestrator.domain.care_flow import Activity, CollectedValue

TrackMove = Literal["started", "completed", "stopped"]
ActivityMove = Literal["created", "updated", "completed", "expired"]


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
    """`activity.created`, `activity.updated` (canceled), `activity.completed` or `activity.expired`."""

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


Effect: TypeAlias = (
    CareFlowStarted
    | CareFlowStopped
    | CareFlowCompleted
    | TrackMoved
    | ActivityMoved
    | FormAnswered
    | DataPointCollected
)
