"""Tracks: what starts them, when they are completed, and how they are stopped.

- A track starts when a trigger fires: the care flow starts, a track or a step is completed, a data point is collected
  or is not collected in time. By itself it runs once; a trigger whose rule meets an empty value does not fire.
- A trigger with timers starts its track when the last of them is due, unless it has been started otherwise by then.
- By hand a track can be added at any time while it is not active, also one that has ended: it runs once more.
- A track is completed when no step of it is active and it waits for no timer, value or rule.
"""

from typing import Final

from carewire_contracts.definition import Track, Trigger
from carewire_orchestrator.domain.activities import end, open_activities, open_rules
from carewire_orchestrator.domain.care_flow import ActivityStatus, PendingTimer, StepStatus, TimerPurpose, TrackStatus
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.effects import TrackMoved
from carewire_orchestrator.domain.lacking import add_or_lack
from carewire_orchestrator.domain.release import TRACK_START
from carewire_orchestrator.domain.timers import cancel, cancel_all, due_by_timings
from carewire_orchestrator.domain.ways import follow


def fire(course: Course, occasion: str, node_id: str | None = None) -> None:
    """Start the tracks that this occasion starts."""
    for trigger in course.release.triggers.get((occasion, node_id), ()):
        pull(course, trigger)


def pull(course: Course, trigger: Trigger) -> None:
    """Start the track of a trigger, or begin to wait for it, unless it has run or its rule does not hold."""
    if trigger.target_id in course.tracks or not course.holds(trigger.settings.rule):
        return
    due_at = due_by_timings(course, trigger.timers, course.now) if trigger.timers else course.now
    if due_at is not None and due_at <= course.now:
        start(course, course.release.tracks[trigger.target_id])
    elif not any(one.node_id == trigger.id for one in _waiting_triggers(course)):
        timer = PendingTimer(course.next_timer_id(), TimerPurpose.TRIGGER, trigger.id, course.now, due_at)
        add_or_lack(course, timer, trigger.target_id, "")


def start(course: Course, track: Track) -> None:
    """Start a track, be it for the second time."""
    if track.id in course.tracks:
        for node in (*track.steps, *track.timers):
            course.steps.pop(node.id, None)
        del course.tracks[track.id]
    _need_no_trigger(course, track)
    course.tracks[track.id] = TrackStatus.ACTIVE
    course.tell(TrackMoved("started", track.id))
    course.note_date(track.key, "ActivationDate")
    follow(course, track, TRACK_START)


def complete(course: Course, track_id: str) -> None:
    """Complete a track, and start those that wait for it."""
    _complete(course, track_id)
    fire(course, "track_completed", track_id)


def stop(course: Course, track_id: str) -> None:
    """Stop a track: its open activities are canceled, its active steps discarded."""
    for activity in open_activities(course, track_id):
        end(course, activity, ActivityStatus.CANCELED)
    halt(course, track_id)


def halt(course: Course, track_id: str) -> None:
    """Stop a track of which nothing is open any more."""
    cancel_all(course, track_id)
    _discard(course, course.release.tracks[track_id])
    course.tracks[track_id] = TrackStatus.STOPPED
    course.tell(TrackMoved("stopped", track_id))


def end_with_care_flow(course: Course, track: Track) -> None:
    """Complete the track that reaches the end of the care flow; the others are stopped."""
    _discard(course, track)
    _complete(course, track.id)
    for track_id in active_tracks(course):
        stop(course, track_id)


def active_tracks(course: Course) -> list[str]:
    """Those that run, in the order of their starts."""
    return [track_id for track_id, status in course.tracks.items() if status is TrackStatus.ACTIVE]


def is_idle(course: Course, track_id: str) -> bool:
    """Whether an active track waits for nothing any more."""
    track = course.release.tracks[track_id]
    if any(course.steps.get(node.id) is StepStatus.ACTIVE for nodes in (track.steps, track.timers) for node in nodes):
        return False
    if any(timer.track_id == track_id for timer in course.timers.values()):
        return False
    return not any(activity.track_id == track_id for activity in open_rules(course))


def _discard(course: Course, track: Track) -> None:
    for node in (*track.steps, *track.timers):
        if course.steps.get(node.id) is StepStatus.ACTIVE:
            course.steps[node.id] = StepStatus.DISCARDED


def _complete(course: Course, track_id: str) -> None:
    course.tracks[track_id] = TrackStatus.COMPLETED
    course.tell(TrackMoved("completed", track_id))
    course.note_date(course.release.tracks[track_id].key, "CompletionDate")


def _need_no_trigger(course: Course, track: Track) -> None:
    """What waited to start a track that starts now waits no longer."""
    for timer in list(course.timers.values()):
        trigger = course.release.triggers_by_id.get(timer.node_id)
        if trigger is None or timer.purpose not in _OF_TRIGGERS or trigger.target_id != track.id:
            continue
        if timer.activity_id is None:
            cancel(course, timer)
        else:
            end(course, course.activities[timer.activity_id], ActivityStatus.CANCELED)


_OF_TRIGGERS: Final = frozenset({TimerPurpose.TRIGGER, TimerPurpose.NOT_COLLECTED})


def _waiting_triggers(course: Course) -> list[PendingTimer]:
    return [timer for timer in course.timers.values() if timer.purpose is TimerPurpose.TRIGGER]
