"""What follows when a timer is due."""

from typing import assert_never

from carewire_orchestrator.domain.care_flow import PendingTimer, TimerPurpose, TrackStatus
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.reminders import remind
from carewire_orchestrator.domain.tracks import pull, start
from carewire_orchestrator.domain.waiting import finish
from carewire_orchestrator.domain.ways import arrive


def ring(course: Course, timer: PendingTimer) -> None:
    """Do what a timer was set for. It is no longer pending, so it can never be due again."""
    release = course.release
    match timer.purpose:
        case TimerPurpose.WAIT:
            finish(course, course.activities[timer.id])
        case TimerPurpose.TRANSITION:
            arrive(course, release.tracks[timer.track_id or ""], release.transitions_by_id[timer.node_id])
        case TimerPurpose.TRIGGER:
            # Had the track been started otherwise, nothing would wait to start it.
            start(course, release.tracks[release.triggers_by_id[timer.node_id].target_id])
        case TimerPurpose.NOT_COLLECTED:
            pull(course, release.triggers_by_id[timer.node_id])
        case TimerPurpose.SCHEDULED_TRACK:
            if course.tracks.get(timer.node_id) is not TrackStatus.ACTIVE:
                start(course, release.tracks[timer.node_id])
        case TimerPurpose.REMINDER:
            remind(course, timer)
        case _:
            assert_never(timer.purpose)
