"""How a care flow ends.

- It is completed when no track is active, no timer may start one, and no API call is on its way. What nobody did by
  then, such as messages that were not read, expires. A way that leads to the end of the care flow completes it at
  once: its own track is completed, the others are stopped.
- A stop ends everything at once: open activities are canceled, active steps discarded, active tracks stopped.
- Deleted, it is stopped first if it runs, and its open activities are deleted with it.
"""

from carewire_contracts.definition import Track
from carewire_orchestrator.domain import tracks
from carewire_orchestrator.domain.activities import end, open_activities
from carewire_orchestrator.domain.care_flow import ActivityStatus, CareFlowStatus
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.effects import CareFlowCompleted, CareFlowDeleted, CareFlowStopped
from carewire_orchestrator.domain.timers import cancel_all


def is_waited_for(course: Course) -> bool:
    """Whether something outside of the tracks is still to come."""
    if any(timer.purpose.may_start_a_track for timer in course.timers.values()):
        return True
    return any(activity.is_open and activity.kind == "api_call" for activity in course.activities.values())


def complete(course: Course) -> None:
    """Complete the care flow."""
    _end_all(course, ActivityStatus.EXPIRED)
    course.status = CareFlowStatus.COMPLETED
    course.tell(CareFlowCompleted(course.now))


def complete_at_once(course: Course, track: Track) -> None:
    """Complete the care flow although other tracks may run: this one has reached its end."""
    tracks.end_with_care_flow(course, track)
    complete(course)


def stop(course: Course, reason: str | None, status: ActivityStatus = ActivityStatus.CANCELED) -> None:
    """Stop everything."""
    _end_all(course, status)
    for track_id in tracks.active_tracks(course):
        tracks.halt(course, track_id)
    course.status, course.stop_reason = CareFlowStatus.STOPPED, reason
    course.tell(CareFlowStopped(course.now, reason))


def delete(course: Course) -> None:
    """Delete the care flow."""
    if not course.status.is_final:
        stop(course, None, ActivityStatus.DELETED)
    course.status = CareFlowStatus.DELETED
    course.tell(CareFlowDeleted(course.now))


def _end_all(course: Course, status: ActivityStatus) -> None:
    course.arrivals.clear()
    course.news.clear()
    for activity in open_activities(course):
        end(course, activity, status)
    cancel_all(course)
