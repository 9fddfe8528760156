"""Activities: they come up, may change, and end once."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from carewire_orchestrator.domain.care_flow import Activity, ActivityKind, ActivityStatus, Reason
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.effects import ActivityMove, ActivityMoved
from carewire_orchestrator.domain.timers import cancel

_ENDS: Final[dict[ActivityStatus, ActivityMove]] = {
    ActivityStatus.DONE: "completed",
    ActivityStatus.CANCELED: "updated",
    ActivityStatus.EXPIRED: "expired",
    ActivityStatus.FAILED: "failed",
    ActivityStatus.DELETED: "deleted",
}


def begin(course: Course, kind: ActivityKind, track_id: str, step_id: str, action_id: str) -> Activity:
    """A new activity that nobody has been told of yet: `announce` it once it says all that it has to say."""
    return Activity(
        id=course.next_id("activity"),
        kind=kind,
        track_id=track_id,
        step_id=step_id,
        action_id=action_id,
        status=ActivityStatus.ACTIVE,
        created_at=course.now,
    )


def announce(course: Course, activity: Activity) -> Activity:
    """Tell of a new activity."""
    course.activities[activity.id] = activity
    course.tell(ActivityMoved("created", activity))
    return activity


def change(course: Course, activity: Activity) -> None:
    """Tell of an activity that is another than before, and still open."""
    course.activities[activity.id] = activity
    course.tell(ActivityMoved("updated", activity))


def end(course: Course, activity: Activity, status: ActivityStatus, reason: Reason | None = None) -> None:
    """End an activity, and what it set timers for."""
    ended = replace(activity, status=status, ended_at=course.now, reason=reason or activity.reason)
    course.activities[activity.id] = ended
    if course.timers:
        for timer in [one for one in course.timers.values() if one.activity_id == activity.id]:
            cancel(course, timer)
    course.tell(ActivityMoved(_ENDS[status], ended))


def open_activities(course: Course, track_id: str | None = None) -> list[Activity]:
    """Those that can still be done, of one track or of all."""
    return [one for one in course.activities.values() if one.is_open and track_id in (None, one.track_id)]


def open_rules(course: Course) -> Iterator[Activity]:
    """Those that stand where a rule cannot be decided."""
    return (one for one in course.activities.values() if one.is_open and one.kind == "evaluated_rule")
