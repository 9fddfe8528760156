"""Waiting for a date that nobody knows: it never happens in silence.

A timer of a track has an activity anyhow. A transition or a trigger with timing gets one of kind `evaluated_rule`
while its date is unknown. When the date comes the activity is done and the timer has its moment; an operator may
resume it instead, and then that way is not taken.
"""

from dataclasses import replace

from carewire_orchestrator.domain.activities import announce, begin, end
from carewire_orchestrator.domain.care_flow import ActivityStatus, PendingTimer, Reason
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.timers import add


def add_or_lack(course: Course, timer: PendingTimer, track_id: str, step_id: str) -> None:
    """Begin to wait, and say so where nobody knows until when."""
    if timer.due_at is None:
        activity = begin(course, "evaluated_rule", track_id, step_id, timer.node_id)
        announce(course, replace(activity, reason=Reason.EMPTY_VALUE))
        timer = replace(timer, activity_id=activity.id)
    add(course, timer)


def lack_no_longer(course: Course, timer: PendingTimer) -> PendingTimer:
    """The date is known: what said that it lacked is done, and the timer goes on alone."""
    if timer.activity_id is None:
        return timer
    alone = replace(timer, activity_id=None)
    course.timers[timer.id] = alone
    end(course, course.activities[timer.activity_id], ActivityStatus.DONE)
    return alone
