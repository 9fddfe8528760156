"""Reminders of activities that block their step, as often and after such times as the definition's settings say."""

from dataclasses import replace

from carewire_contracts.definition import Duration
from carewire_orchestrator.domain.assignees import Assignee, assignees
from carewire_orchestrator.domain.calendar_time import moved
from carewire_orchestrator.domain.care_flow import Activity, PendingTimer, TimerPurpose
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.effects import Reminded
from carewire_orchestrator.domain.timers import add


def begin_to_remind(course: Course, activity: Activity) -> None:
    """Set the first reminder of a new activity, where the definition wants reminders."""
    settings = course.release.definition.settings.reminders
    if settings is not None:
        first = PendingTimer(
            course.next_timer_id(),
            TimerPurpose.REMINDER,
            activity.action_id,
            course.now,
            course.now,
            activity_id=activity.id,
        )
        _set(course, first, settings.delay)


def remind(course: Course, timer: PendingTimer) -> None:
    """Remind everybody whose activity it is, and set the next reminder if there is one to come."""
    activity = course.activities[timer.activity_id or ""]
    count = timer.count + 1
    for one in assignees(course.release, course.before.patient_id, activity):
        course.tell(Reminded(activity, one.id, one.type, count, _open_activities_of(course, one)))
    settings = course.release.definition.settings.reminders
    if settings is not None and count < settings.amount:
        _set(course, replace(timer, id=course.next_timer_id(), count=count), settings.delay)


def _set(course: Course, timer: PendingTimer, delay: Duration) -> None:
    add(course, replace(timer, set_at=course.now, due_at=moved(course.now, delay, course.zone)))


def _open_activities_of(course: Course, whose: Assignee) -> int:
    blocking = [activity for activity in course.activities.values() if activity.blocks]
    return sum(whose in assignees(course.release, course.before.patient_id, activity) for activity in blocking)
