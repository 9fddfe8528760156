"""What can happen to a care flow."""

from datetime import datetime
from typing import TypeAlias

from carewire_contracts.record import record
from carewire_orchestrator.domain.care_flow import Reason
from carewire_orchestrator.domain.given_values import GivenValue


@record()
class Started:
    """Somebody started it, with these baseline values, for a patient in this time zone."""

    baseline: tuple[GivenValue, ...]
    time_zone: str = "UTC"


@record()
class FormSubmitted:
    """Somebody answered the form of an activity."""

    activity_id: str
    answers: tuple[GivenValue, ...]


@record()
class ChecklistCompleted:
    """Somebody ticked every item of a checklist."""

    activity_id: str


@record()
class MessageRead:
    """Somebody read a message."""

    activity_id: str


@record()
class TimerSkipped:
    """Somebody ended the wait of a timer's activity by hand."""

    activity_id: str


@record()
class Resumed:
    """An operator lets go on what waits for a rule that cannot be decided.

    It is decided anew. A condition that still meets an empty value does not hold, and the branch may end there.
    """

    activity_id: str


@record()
class ApiCallAnswered:
    """An API call was answered, and this is what the answer says."""

    activity_id: str
    values: tuple[GivenValue, ...]


@record()
class ApiCallFailed:
    """An API call was given up, or its answer is of no use."""

    activity_id: str
    reason: Reason


@record()
class ActivityExpired:
    """Somebody gave an activity up: its step goes on without it."""

    activity_id: str


@record()
class ActivityReassigned:
    """Somebody gave an activity to other stakeholders."""

    activity_id: str
    stakeholder_ids: tuple[str, ...]


@record()
class ActivityRetried:
    """Somebody lets the system try again what has failed. The failed activity stays so; a new one is made."""

    activity_id: str


@record()
class TimerDue:
    """A timer's moment has come, or came a while ago."""

    timer_id: str


@record()
class BaselineUpdated:
    """Somebody gave baseline data points new values."""

    values: tuple[GivenValue, ...]


@record()
class TrackAdded:
    """Somebody started a track by hand: one with a trigger of type `ad_hoc`, or with `any_track` whichever."""

    track_id: str
    any_track: bool = False


@record()
class TrackScheduled:
    """Somebody had a track started by hand at a moment; one that has passed means at once."""

    track_id: str
    at: datetime
    any_track: bool = False
    cancel_scheduled: bool = False


@record()
class TrackUnscheduled:
    """Somebody took back that a track be started at a moment."""

    timer_id: str


@record()
class TrackStopped:
    """Somebody stopped a track that runs."""

    track_id: str


@record()
class Paused:
    """Somebody paused it."""

    reason: str | None


@record()
class Unpaused:
    """Somebody lets it go on."""


@record()
class Stopped:
    """Somebody stopped it."""

    reason: str | None


@record()
class Deleted:
    """Somebody deleted it; if it runs, it is stopped first."""


ActivityDone: TypeAlias = FormSubmitted | ChecklistCompleted | MessageRead
"""What people do."""

ActivityEvent: TypeAlias = (
    ActivityDone
    | TimerSkipped
    | Resumed
    | ApiCallAnswered
    | ApiCallFailed
    | ActivityExpired
    | ActivityReassigned
    | ActivityRetried
)
"""What happens to one activity."""

TrackEvent: TypeAlias = TrackAdded | TrackScheduled | TrackUnscheduled | TrackStopped

CareFlowEvent: TypeAlias = (
    Started | ActivityEvent | TimerDue | BaselineUpdated | TrackEvent | Paused | Unpaused | Stopped | Deleted
)
