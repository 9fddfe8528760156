"""Why an event cannot happen to a care flow as it stands."""

from enum import StrEnum
from typing import Final

from carewire_orchestrator.domain.by_hand import is_scheduled
from carewire_orchestrator.domain.care_flow import Activity, ActivityKind, ActivityStatus, CareFlowStatus, TrackStatus
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.events import (
    ActivityEvent,
    ActivityExpired,
    ActivityReassigned,
    ActivityRetried,
    ApiCallAnswered,
    ApiCallFailed,
    BaselineUpdated,
    CareFlowEvent,
    ChecklistCompleted,
    Deleted,
    FormSubmitted,
    MessageRead,
    Paused,
    Resumed,
    Started,
    Stopped,
    TimerDue,
    TimerSkipped,
    TrackAdded,
    TrackEvent,
    TrackScheduled,
    TrackStopped,
    TrackUnscheduled,
    Unpaused,
)


class Refusal(StrEnum):
    """The list is closed."""

    ALREADY_STARTED = "already_started"
    NOT_STARTED = "not_started"
    CARE_FLOW_ENDED = "care_flow_ended"
    CARE_FLOW_PAUSED = "care_flow_paused"
    CARE_FLOW_NOT_PAUSED = "care_flow_not_paused"
    ACTIVITY_NOT_FOUND = "activity_not_found"
    ACTIVITY_ENDED = "activity_ended"
    ACTIVITY_NOT_FAILED = "activity_not_failed"
    ACTIVITY_RETRIED = "activity_retried"
    OTHER_KIND_OF_ACTIVITY = "other_kind_of_activity"
    STAKEHOLDER_NOT_FOUND = "stakeholder_not_found"
    TIMER_NOT_PENDING = "timer_not_pending"
    TIMER_NOT_DUE = "timer_not_due"
    TIMER_NOT_SKIPPABLE = "timer_not_skippable"
    TRACK_NOT_FOUND = "track_not_found"
    TRACK_NOT_AD_HOC = "track_not_ad_hoc"
    TRACK_ACTIVE = "track_active"
    TRACK_NOT_ACTIVE = "track_not_active"


def refusal(course: Course, event: CareFlowEvent) -> Refusal | None:
    """Why an event cannot happen; None where it can."""
    if isinstance(event, Started):
        return None if course.status is CareFlowStatus.STARTING else Refusal.ALREADY_STARTED
    if course.status is CareFlowStatus.STARTING:
        return Refusal.NOT_STARTED
    if isinstance(event, Deleted):
        return Refusal.CARE_FLOW_ENDED if course.status is CareFlowStatus.DELETED else None
    if course.status.is_final:
        return Refusal.CARE_FLOW_ENDED
    if isinstance(event, Stopped):
        return None
    if isinstance(event, TimerDue):
        return _of_timer(course, event)
    is_paused = course.status is CareFlowStatus.PAUSED
    if isinstance(event, Unpaused):
        return None if is_paused else Refusal.CARE_FLOW_NOT_PAUSED
    return Refusal.CARE_FLOW_PAUSED if is_paused else _while_active(course, event)


def _while_active(course: Course, event: ActivityEvent | TrackEvent | Paused | BaselineUpdated) -> Refusal | None:
    match event:
        case Paused() | BaselineUpdated():
            return None
        case TrackAdded() | TrackScheduled() | TrackUnscheduled() | TrackStopped():
            return _of_track(course, event)
        case _:
            return _of_activity(course, course.activities.get(event.activity_id), event)


def _of_timer(course: Course, event: TimerDue) -> Refusal | None:
    """A timer is due once, and never early."""
    timer = course.timers.get(event.timer_id)
    if timer is None:
        return Refusal.TIMER_NOT_PENDING
    return Refusal.TIMER_NOT_DUE if timer.due_at is None or timer.due_at > course.now else None


def _of_track(course: Course, event: TrackEvent) -> Refusal | None:
    if isinstance(event, TrackUnscheduled):
        timer = course.timers.get(event.timer_id)
        return None if timer is not None and is_scheduled(timer) else Refusal.TIMER_NOT_PENDING
    if event.track_id not in course.release.tracks:
        return Refusal.TRACK_NOT_FOUND
    is_active = course.tracks.get(event.track_id) is TrackStatus.ACTIVE
    if isinstance(event, TrackStopped):
        return None if is_active else Refusal.TRACK_NOT_ACTIVE
    if not event.any_track and not _is_ad_hoc(course, event.track_id):
        return Refusal.TRACK_NOT_AD_HOC
    is_now = isinstance(event, TrackAdded) or event.at <= course.now
    return Refusal.TRACK_ACTIVE if is_active and is_now else None


def _is_ad_hoc(course: Course, track_id: str) -> bool:
    """Whether the designer lets people add a track by hand now."""
    triggers = course.release.triggers.get(("ad_hoc", None), ())
    return any(trigger.target_id == track_id and course.holds(trigger.settings.rule) for trigger in triggers)


_KINDS: Final[dict[type[ActivityEvent], frozenset[ActivityKind]]] = {
    FormSubmitted: frozenset({"form"}),
    ChecklistCompleted: frozenset({"checklist"}),
    MessageRead: frozenset({"message"}),
    TimerSkipped: frozenset({"timer"}),
    Resumed: frozenset({"evaluated_rule"}),
    ApiCallAnswered: frozenset({"api_call"}),
    ApiCallFailed: frozenset({"api_call"}),
    ActivityExpired: frozenset({"form", "checklist", "message", "api_call"}),
    ActivityReassigned: frozenset({"form", "checklist", "message"}),
    ActivityRetried: frozenset({"calculation", "api_call"}),
}


def _of_activity(course: Course, activity: Activity | None, event: ActivityEvent) -> Refusal | None:
    if activity is None:
        return Refusal.ACTIVITY_NOT_FOUND
    if activity.kind not in _KINDS[type(event)]:
        return Refusal.OTHER_KIND_OF_ACTIVITY
    if isinstance(event, ActivityRetried):
        return _of_retry(course, activity)
    if not activity.is_open:
        return Refusal.ACTIVITY_ENDED
    if isinstance(event, TimerSkipped):
        return None if course.release.timers[activity.step_id].skippable else Refusal.TIMER_NOT_SKIPPABLE
    if isinstance(event, ActivityReassigned):
        is_known = course.release.stakeholders.keys() >= set(event.stakeholder_ids)
        return None if is_known else Refusal.STAKEHOLDER_NOT_FOUND
    return None


def _of_retry(course: Course, activity: Activity) -> Refusal | None:
    """What failed is tried again once; if that fails too, it is that which can be tried again."""
    if activity.status is not ActivityStatus.FAILED:
        return Refusal.ACTIVITY_NOT_FAILED
    last = [one for one in course.activities.values() if one.action_id == activity.action_id][-1]
    return None if last.id == activity.id else Refusal.ACTIVITY_RETRIED
