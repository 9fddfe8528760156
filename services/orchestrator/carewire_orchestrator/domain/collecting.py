"""Data points are collected: they get a value, everybody is told, and then what waits for them goes on."""

from carewire_contracts.definition import Duration
from carewire_orchestrator.domain.activities import open_rules
from carewire_orchestrator.domain.calendar_time import moved
from carewire_orchestrator.domain.care_flow import CollectedValue, PendingTimer, TimerPurpose
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.effects import DataPointCollected
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.lacking import lack_no_longer
from carewire_orchestrator.domain.ringing import ring
from carewire_orchestrator.domain.timers import add, cancel, reschedule
from carewire_orchestrator.domain.tracks import fire
from carewire_orchestrator.domain.waiting import awaits, finish, is_known, tell_new_moment
from carewire_orchestrator.domain.ways import decide_again


def collected(course: Course, given: GivenValue, offset: int = 0) -> CollectedValue:
    """A value with the id of its collection; `offset` is the number of events told before it is."""
    return CollectedValue(course.next_id("data-point", offset), given, course.now)


def collect(course: Course, value: CollectedValue) -> None:
    """Give a data point its value. What follows comes when everything else about this event has been told."""
    course.know(value)
    course.tell(DataPointCollected(value))


def begin_to_miss(course: Course) -> None:
    """Begin to wait for data points that have to be collected in time."""
    for trigger in course.release.triggers.get(("data_point_not_collected", None), ()):
        settings = trigger.settings
        if isinstance(settings.duration, Duration) and not is_known(course, settings.data_point_definition_id or ""):
            due_at = moved(course.now, settings.duration, course.zone)
            timer_id = course.next_timer_id()
            add(course, PendingTimer(timer_id, TimerPurpose.NOT_COLLECTED, trigger.id, course.now, due_at))


def react(course: Course, definition_id: str) -> None:
    """Let go on what waited for a data point that has a new value."""
    for timer in list(course.timers.values()):
        if course.timers.get(timer.id) is timer:
            _react(course, timer, definition_id)
    fire(course, "data_point_collected", definition_id)
    for activity in list(open_rules(course)):
        decide_again(course, activity, definition_id)


def _react(course: Course, timer: PendingTimer, definition_id: str) -> None:
    if awaits(course, timer, definition_id):
        finish(course, course.activities[timer.id])
    elif _misses(course, timer, definition_id):
        cancel(course, timer)
    else:
        changed = reschedule(course, timer)
        if changed is not None:
            _go_on(course, changed)


def _go_on(course: Course, changed: PendingTimer) -> None:
    """Let everybody know of the new moment, and let it be due if it has passed."""
    if changed.purpose is TimerPurpose.WAIT:
        tell_new_moment(course, changed)
    else:
        changed = lack_no_longer(course, changed)
    if changed.due_at is not None and changed.due_at <= course.now:
        cancel(course, changed)
        ring(course, changed)


def _misses(course: Course, timer: PendingTimer, definition_id: str) -> bool:
    if timer.purpose is not TimerPurpose.NOT_COLLECTED:
        return False
    return course.release.triggers_by_id[timer.node_id].settings.data_point_definition_id == definition_id
