"""What people do with tracks by hand."""

from typing import assert_never

from carewire_orchestrator.domain import tracks
from carewire_orchestrator.domain.care_flow import PendingTimer, TimerPurpose
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.events import TrackAdded, TrackEvent, TrackScheduled, TrackStopped, TrackUnscheduled
from carewire_orchestrator.domain.timers import add, cancel


def change_tracks(course: Course, event: TrackEvent) -> None:
    """Start a track now or later, take that back, or stop one."""
    match event:
        case TrackAdded():
            tracks.start(course, course.release.tracks[event.track_id])
        case TrackScheduled():
            _schedule(course, event)
        case TrackUnscheduled():
            cancel(course, course.timers[event.timer_id])
        case TrackStopped():
            tracks.stop(course, event.track_id)
        case _:
            assert_never(event)


def _schedule(course: Course, event: TrackScheduled) -> None:
    if event.cancel_scheduled:
        for timer in [one for one in course.timers.values() if is_scheduled(one, event.track_id)]:
            cancel(course, timer)
    if event.at <= course.now:
        tracks.start(course, course.release.tracks[event.track_id])
    else:
        timer_id = course.next_timer_id()
        add(course, PendingTimer(timer_id, TimerPurpose.SCHEDULED_TRACK, event.track_id, course.now, event.at))


def is_scheduled(timer: PendingTimer, track_id: str | None = None) -> bool:
    """Whether a timer is one by which somebody had a track, or this one, started later."""
    return timer.purpose is TimerPurpose.SCHEDULED_TRACK and track_id in (None, timer.node_id)
