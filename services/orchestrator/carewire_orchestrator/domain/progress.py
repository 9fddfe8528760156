"""How a care flow takes an event, and what it then does by itself until nothing moves any more.

First everything is told that belongs to the event, such as the answers of a form. Then, one after another: what waits
for a data point that has a new value goes on; the steps and timers that were come to are reached; a track that waits
for nothing is completed; and so is the care flow when it has no reason to go on.

Since each step and timer is active once a run of its track, and a track runs by itself once, a care flow makes at most
as many moves as its release has steps, timers and tracks, and then waits: for somebody, for a moment, or for a value.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from carewire_contracts.definition import Step
from carewire_orchestrator.domain import ending, tracks, ways
from carewire_orchestrator.domain.actions import perform
from carewire_orchestrator.domain.activities import change, end
from carewire_orchestrator.domain.by_hand import change_tracks
from carewire_orchestrator.domain.care_flow import Activity, ActivityStatus, CareFlowStatus
from carewire_orchestrator.domain.collecting import begin_to_miss, collect, collected, react
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.effects import CareFlowStarted, FormAnswered
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
    TrackScheduled,
    TrackStopped,
    TrackUnscheduled,
    Unpaused,
)
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.ringing import ring
from carewire_orchestrator.domain.steps import end_activity, reach
from carewire_orchestrator.domain.timers import cancel
from carewire_orchestrator.domain.waiting import finish, wait


def happen(course: Course, event: CareFlowEvent) -> None:
    """Let an event happen that can happen, and settle."""
    match event:
        case Started():
            _start(course, event)
        case TimerDue():
            _let_be_due(course, event.timer_id)
        case BaselineUpdated():
            _collect_all(course, event.values)
        case TrackAdded() | TrackScheduled() | TrackUnscheduled() | TrackStopped():
            change_tracks(course, event)
        case Paused():
            course.status, course.pause_reason = CareFlowStatus.PAUSED, event.reason
        case Unpaused():
            _unpause(course)
        case Stopped():
            ending.stop(course, event.reason)
        case Deleted():
            ending.delete(course)
        case _:
            _happen_to_activity(course, course.activities[event.activity_id], event)
    settle(course)


def settle(course: Course) -> None:
    """Go on until nothing moves any more."""
    while course.is_active:
        if course.news:
            react(course, course.news.popleft())
        elif course.arrivals:
            _arrive(course)
        elif (idle := _idle_track(course)) is not None:
            tracks.complete(course, idle)
        elif not tracks.active_tracks(course) and not ending.is_waited_for(course):
            ending.complete(course)
        else:
            return


def _arrive(course: Course) -> None:
    track, node = course.arrivals.popleft()
    if node is None:
        ending.complete_at_once(course, track)
    elif isinstance(node, Step):
        reach(course, track, node)
    else:
        wait(course, track, node)


def _idle_track(course: Course) -> str | None:
    return next((one for one in tracks.active_tracks(course) if tracks.is_idle(course, one)), None)


def _start(course: Course, event: Started) -> None:
    course.status, course.time_zone_name = CareFlowStatus.ACTIVE, event.time_zone
    course.tell(CareFlowStarted(course.now))
    _collect_all(course, event.baseline)
    begin_to_miss(course)
    tracks.fire(course, "pathway_started")


def _collect_all(course: Course, values: Iterable[GivenValue]) -> None:
    for given in values:
        collect(course, collected(course, given))


def _let_be_due(course: Course, timer_id: str) -> None:
    """While it is paused, a timer that is due stays pending: it fires when the care flow goes on."""
    if course.is_active:
        ring(course, course.timers.pop(timer_id))


def _unpause(course: Course) -> None:
    """Let the timers fire that were due meanwhile, in the order of their moments, whether they were heard or not."""
    course.status, course.pause_reason = CareFlowStatus.ACTIVE, None
    settle(course)
    # A care flow that has ended meanwhile has no timers.
    while due := [one for one in course.timers.values() if one.due_at is not None and one.due_at <= course.now]:
        first = min(due, key=lambda one: (one.due_at, one.id))
        cancel(course, first)
        ring(course, first)
        settle(course)


def _happen_to_activity(course: Course, activity: Activity, event: ActivityEvent) -> None:
    match event:
        case FormSubmitted():
            _submit(course, activity, event.answers)
        case ChecklistCompleted() | MessageRead():
            end_activity(course, activity, ActivityStatus.DONE)
        case TimerSkipped():
            finish(course, activity)
        case Resumed():
            ways.resume(course, activity)
        case ApiCallAnswered():
            _collect_all(course, event.values)
            end(course, activity, ActivityStatus.DONE)
        case ApiCallFailed():
            end(course, activity, ActivityStatus.FAILED, event.reason)
        case ActivityExpired():
            end_activity(course, activity, ActivityStatus.EXPIRED)
        case ActivityReassigned():
            change(course, replace(activity, assigned_to=event.stakeholder_ids))
        case ActivityRetried():
            release = course.release
            action = release.actions[activity.action_id]
            perform(course, release.tracks[activity.track_id], release.steps[activity.step_id], action)
        case _:
            assert_never(event)


def _submit(course: Course, activity: Activity, answers: Iterable[GivenValue]) -> None:
    """Collect the answers of a form and complete its activity."""
    values = tuple(collected(course, answer, offset) for offset, answer in enumerate(answers, 1))
    course.tell(FormAnswered(activity, values, course.now))
    for value in values:
        collect(course, value)
    end_activity(course, activity, ActivityStatus.DONE)
