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
    """`completed`, `stopped` and `deleted` are final: nothing follows them, but that what has ended may be deleted.

    While it is `paused` nothing moves; its timers keep their clock, and fire when it goes on.
    """

    STARTING = "starting"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    STOPPED = "stopped"
    DELETED = "deleted"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self in _FINAL


_FINAL: Final = frozenset({CareFlowStatus.COMPLETED, CareFlowStatus.STOPPED, CareFlowStatus.DELETED})


class TrackStatus(StrEnum):
    """A track runs once in a care flow by itself, and as often as somebody adds it by hand."""

    ACTIVE = "active"
    COMPLETED = "completed"
    STOPPED = "stopped"


class StepStatus(StrEnum):
    """That of a step, or of a timer of a track. `discarded`: its track was stopped while it was active."""

    ACTIVE = "active"
    DONE = "done"
    DISCARDED = "discarded"


class ActivityStatus(StrEnum):
    """All but `active` are ends.

    - `canceled` by the stop of its care flow or of its track, `deleted` with its care flow.
    - `expired`: nobody did it before the end of the care flow, or somebody gave it up.
    - `failed`: the system could not do it; its reason tells why.
    """

    ACTIVE = "active"
    DONE = "done"
    CANCELED = "canceled"
    EXPIRED = "expired"
    FAILED = "failed"
    DELETED = "deleted"


ActivityKind = Literal[
    "form",
    "checklist",
    "message",
    "stop_care_flow",
    "calculation",
    "clinical_note",
    "api_call",
    "timer",
    "evaluated_rule",
]
"""Those of the actions, besides a timer of a track that is waited for, and a rule that cannot be decided."""

BLOCKING_KINDS: Final[frozenset[ActivityKind]] = frozenset({"form", "checklist"})
"""Activities that their step waits for (reference, section 5.6)."""


class Reason(StrEnum):
    """Why an activity failed or what it waits for. The list is closed."""

    EMPTY_VALUE = "empty_value"
    NOT_COMPUTABLE = "not_computable"
    UNSUITABLE_RESULT = "unsuitable_result"
    CALL_FAILED = "call_failed"
    UNSUITABLE_ANSWER = "unsuitable_answer"
    UNSUITABLE_REQUEST = "unsuitable_request"
    CONSTANT_UNAVAILABLE = "constant_unavailable"


@record()
class Letter:
    """The text of a message as it was when it was sent. Its repr hides it: it may hold health data."""

    subject: str = field(repr=False)
    body: str = field(repr=False)


@record()
class Activity:
    """Something to do, made by an action of a step. It starts active and ends in exactly one other status.

    That of a timer has the timer's id for its step and its action. One of kind `evaluated_rule` stands at the step or
    timer whose transitions cannot be decided (empty: at the start of the track), and has no action.
    """

    id: str
    kind: ActivityKind
    track_id: str
    step_id: str
    action_id: str
    status: ActivityStatus
    created_at: datetime
    ended_at: datetime | None = None
    due_at: datetime | None = None
    reason: Reason | None = None
    assigned_to: tuple[str, ...] | None = None
    """Stakeholders it was given to by hand; None leaves it with those of its action."""
    letter: Letter | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can still be done."""
        return self.status is ActivityStatus.ACTIVE

    @property
    def blocks(self) -> bool:
        """Whether its step waits for it."""
        return self.is_open and self.kind in BLOCKING_KINDS


class TimerPurpose(StrEnum):
    """What a timer is for: each names what follows when it is due."""

    WAIT = "wait"
    TRANSITION = "transition"
    TRIGGER = "trigger"
    NOT_COLLECTED = "not_collected"
    SCHEDULED_TRACK = "scheduled_track"
    REMINDER = "reminder"

    @property
    def may_start_a_track(self) -> bool:
        """Whether the care flow goes on as long as such a timer runs, even with no track active."""
        return self in _STARTING_TRACKS


_STARTING_TRACKS: Final = frozenset({TimerPurpose.TRIGGER, TimerPurpose.NOT_COLLECTED, TimerPurpose.SCHEDULED_TRACK})


@record()
class PendingTimer:
    """A moment that a care flow waits for. Without `due_at` it waits for the value that tells the moment.

    `node_id` is the timer, transition, trigger, track or action of the definition that it belongs to.
    """

    id: str
    purpose: TimerPurpose
    node_id: str
    set_at: datetime
    due_at: datetime | None
    track_id: str | None = None
    activity_id: str | None = None
    count: int = 0
    """How many reminders there were before."""


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
    `data_points` holds the last value of each data point, `system_dates` when those steps and tracks started and
    were completed whose dates the definition asks for. `timers_set` counts timers, for their ids.
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
    time_zone: str = "UTC"
    pause_reason: str | None = None
    timers: Mapping[str, PendingTimer] = field(default_factory=dict)
    timers_set: int = 0
    system_dates: Mapping[str, datetime] = field(default_factory=dict)
