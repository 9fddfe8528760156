"""Timers as places of a track: it comes to them, waits, and goes on.

- A delay is over after its time. A date is waited for as long as it takes, also while nobody knows it yet: then the
  activity says that it lacks a value, and is told again with its moment once that is known. When the value changes
  while it waits, so does the moment; a moment that has passed already ends the wait.
- An awaited data point ends the wait when it is collected, at once if it has a value already, and no later than the
  timeout. Both go the same way: a rule on the data point tells which it was.
- Staff may skip a timer whose designer allows it.
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from carewire_contracts.definition import AwaitedDataPointTimer, DateTimer, DelayTimer, Timer, Track
from carewire_contracts.values import is_empty
from carewire_orchestrator.domain.activities import announce, begin, change, end
from carewire_orchestrator.domain.calendar_time import moved
from carewire_orchestrator.domain.care_flow import (
    Activity,
    ActivityStatus,
    PendingTimer,
    Reason,
    StepStatus,
    TimerPurpose,
)
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.timers import add, due_by_date
from carewire_orchestrator.domain.ways import follow


def wait(course: Course, track: Track, timer: Timer) -> None:
    """Come to a timer; later arrivals change nothing."""
    if timer.id in course.steps:
        return
    course.steps[timer.id] = StepStatus.ACTIVE
    pending = _pending(course, track, timer)
    is_lacking = isinstance(timer, DateTimer) and pending.due_at is None
    begun = begin(course, "timer", track.id, timer.id, timer.id)
    activity = announce(
        course, replace(begun, due_at=pending.due_at, reason=Reason.EMPTY_VALUE if is_lacking else None)
    )
    if _is_over(course, timer, pending):
        finish(course, activity)
    else:
        add(course, replace(pending, id=activity.id, activity_id=activity.id))


def finish(course: Course, activity: Activity) -> None:
    """The wait is over."""
    course.steps[activity.step_id] = StepStatus.DONE
    end(course, activity, ActivityStatus.DONE)
    follow(course, course.release.tracks[activity.track_id], activity.step_id)


def tell_new_moment(course: Course, timer: PendingTimer) -> None:
    """Tell of a timer that is due at another moment than before."""
    activity = course.activities[timer.id]
    reason = Reason.EMPTY_VALUE if timer.due_at is None else None
    change(course, replace(activity, due_at=timer.due_at, reason=reason))


def awaits(course: Course, timer: PendingTimer, definition_id: str) -> bool:
    """Whether a pending timer waits for this data point to be collected."""
    if timer.purpose is not TimerPurpose.WAIT:
        return False
    node = course.release.timers[timer.node_id]
    return isinstance(node, AwaitedDataPointTimer) and node.data_point_definition_id == definition_id


def is_known(course: Course, definition_id: str) -> bool:
    """Whether a data point has a value that says something."""
    return not is_empty(course.values.get(definition_id))


def _pending(course: Course, track: Track, timer: Timer) -> PendingTimer:
    return PendingTimer("", TimerPurpose.WAIT, timer.id, course.now, _due(course, timer), track.id)


def _due(course: Course, timer: Timer) -> datetime | None:
    match timer:
        case DelayTimer():
            return moved(course.now, timer.delay, course.zone)
        case DateTimer():
            return due_by_date(course, timer)
        case AwaitedDataPointTimer():
            return None if timer.timeout is None else moved(course.now, timer.timeout, course.zone)
        case _:
            assert_never(timer)


def _is_over(course: Course, timer: Timer, pending: PendingTimer) -> bool:
    if isinstance(timer, AwaitedDataPointTimer) and is_known(course, timer.data_point_definition_id):
        return True
    return pending.due_at is not None and pending.due_at <= course.now
