"""Timers of a care flow: what it waits for, until when, and taking that back.

A timer is set once and then is due once: `TimerDue` of one that is no longer pending is refused, and so is one that
comes too early. A timer that hangs on a value which is not known yet has no moment; it gets one when the value comes,
and another one when the value changes.
"""

from dataclasses import replace
from datetime import datetime

from carewire_contracts.definition import DateTimer, Timing
from carewire_orchestrator.domain.calendar_time import moved, until
from carewire_orchestrator.domain.care_flow import PendingTimer, TimerPurpose
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.orders import TimerCancelled, TimerSet


def add(course: Course, timer: PendingTimer) -> None:
    """Begin to wait."""
    course.timers[timer.id] = timer
    if timer.due_at is not None:
        course.order(TimerSet(timer.id, timer.due_at))


def cancel(course: Course, timer: PendingTimer) -> None:
    """Wait no longer."""
    del course.timers[timer.id]
    if timer.due_at is not None:
        course.order(TimerCancelled(timer.id))


def cancel_all(course: Course, track_id: str | None = None) -> None:
    """Wait no longer for anything, or for anything of one track."""
    for timer in [one for one in course.timers.values() if track_id in (None, one.track_id)]:
        cancel(course, timer)


def reschedule(course: Course, timer: PendingTimer) -> PendingTimer | None:
    """Reckon anew when a timer is due; answers the changed timer, or None where nothing has changed."""
    due_at = due(course, timer)
    if due_at == timer.due_at:
        return None
    changed = replace(timer, due_at=due_at)
    course.timers[timer.id] = changed
    course.order(TimerCancelled(timer.id) if due_at is None else TimerSet(timer.id, due_at))
    return changed


def due(course: Course, timer: PendingTimer) -> datetime | None:
    """When a timer is due, from what is known; None while that is not known."""
    match timer.purpose:
        case TimerPurpose.WAIT:
            node = course.release.timers[timer.node_id]
            return due_by_date(course, node) if isinstance(node, DateTimer) else timer.due_at
        case TimerPurpose.TRANSITION:
            timing = course.release.transitions_by_id[timer.node_id].timing
            return timer.due_at if timing is None else due_by_timings(course, (timing,), timer.set_at)
        case TimerPurpose.TRIGGER:
            return due_by_timings(course, course.release.triggers_by_id[timer.node_id].timers, timer.set_at)
        case _:
            return timer.due_at


def due_by_date(course: Course, timer: DateTimer) -> datetime | None:
    """When the date comes that a timer waits for."""
    day = course.values.get(timer.data_point_definition_id)
    return until(day, timer.offset, timer.time_of_day, course.zone) if isinstance(day, datetime) else None


def due_by_timings(course: Course, timings: tuple[Timing, ...], set_at: datetime) -> datetime | None:
    """When the last of several delays is over."""
    moments = [_due_by_timing(course, timing, set_at) for timing in timings]
    known = [moment for moment in moments if moment is not None]
    return max(known) if known and len(known) == len(moments) else None


def _due_by_timing(course: Course, timing: Timing, set_at: datetime) -> datetime | None:
    if timing.data_point_definition_id is None:
        return moved(set_at, timing.delay, course.zone)
    day = course.values.get(timing.data_point_definition_id)
    return until(day, timing.delay, None, course.zone) if isinstance(day, datetime) else None
