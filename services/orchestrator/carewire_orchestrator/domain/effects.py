"""What follows from an event: each effect becomes exactly one domain event, in this order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from carewire_orchestrator.domain.care_flow import Activity, CollectedValue

TrackMove = Literal["started", "completed", "stopped"]
ActivityMove = Literal["created", "updated", "completed", "expired"]


@dataclass(frozen=True, slots=True)
class CareFlowStarted:
    """`pathway.started`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class CareFlowStopped:
    """`pathway.stopped`."""

    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class CareFlowCompleted:
    """`pathway.completed`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class TrackMoved:
    """`track.started`, `track.completed` or `track.stopped`."""

    move: TrackMove
    track_id: str


@dataclass(frozen=True, slots=True)
class ActivityMoved:
    """`activity.created`, `activity.updated` (canceled), `activity.completed` or `activity.expired`."""

    move: ActivityMove
    activity: Activity


@dataclass(frozen=True, slots=True)
class FormAnswered:
    """`form.submitted`; each answer is a `DataPointCollected` besides."""

    activity: Activity
    answers: tuple[CollectedValue, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
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
