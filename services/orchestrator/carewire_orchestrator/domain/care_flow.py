"""A care flow as it stands: what has started, what is open, what is known.

Frozen, so that what `advance` was given can be compared with what it answers. It holds no identifiers of the
patient. One JSON document of it is kept per care flow (`care_flow_document`): `advance` needs all of it at once,
and one row read and written under one lock is the cheapest way to keep it whole. Activities and data points are
written to tables of their own besides, for lists and history.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from carewire_contracts.record import record
from carewire_orchestrator.domain.given_values import GivenValue


class CareFlowStatus(StrEnum):
    """`completed` and `stopped` are final: nothing follows them."""

    STARTING = "starting"
    ACTIVE = "active"
    COMPLETED = "completed"
    STOPPED = "stopped"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self in (CareFlowStatus.COMPLETED, CareFlowStatus.STOPPED)


class TrackStatus(StrEnum):
    """A track runs once in a care flow."""

    ACTIVE = "active"
    COMPLETED = "completed"
    STOPPED = "stopped"


class StepStatus(StrEnum):
    """`discarded`: the care flow was stopped while the step was active."""

    ACTIVE = "active"
    DONE = "done"
    DISCARDED = "discarded"


class ActivityStatus(StrEnum):
    """`canceled` by the stop of its care flow; `expired` is a message that nobody read before the end."""

    ACTIVE = "active"
    DONE = "done"
    CANCELED = "canceled"
    EXPIRED = "expired"


ActivityKind = Literal["form", "checklist", "message", "stop_care_flow"]

BLOCKING_KINDS: Final[frozenset[ActivityKind]] = frozenset({"form", "checklist"})
"""Activities that their step waits for (reference, section 5.6)."""


@record()
class Activity:
    """Something to do, made by an action of a step. It starts active and ends in exactly one other status."""

    id: str
    kind: ActivityKind
    track_id: str
    step_id: str
    action_id: str
    status: ActivityStatus
    created_at: datetime
    ended_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can still be done."""
        return self.status is ActivityStatus.ACTIVE

    @property
    def blocks(self) -> bool:
        """Whether its step waits for it."""
        return self.is_open and self.kind in BLOCKING_KINDS


@record()
class CollectedValue:
    """A value that a data point got, with the id of that very collection."""

    id: str
    given: GivenValue
    collected_at: datetime


@record()
class CareFlow:
    """The whole state of one care flow; mappings are keyed by the ids of the definition's nodes.

    `sequence` counts the domain events so far: the next one is `sequence + 1`, and a gap shows a loss.
    `data_points` holds the last value of each data point.
    """

    id: str
    release_id: str
    patient_id: str
    status: CareFlowStatus = CareFlowStatus.STARTING
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stop_reason: str | None = None
    tracks: Mapping[str, TrackStatus] = field(default_factory=dict)
    steps: Mapping[str, StepStatus] = field(default_factory=dict)
    activities: Mapping[str, Activity] = field(default_factory=dict)
    data_points: Mapping[str, CollectedValue] = field(default_factory=dict)
    sequence: int = 0
