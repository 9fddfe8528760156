"""Steps: a step is reached, makes the activities of its actions, and is done when nothing blocks it any more.

- It is reached by the first transition that arrives, and is active once: later arrivals change nothing, so a join
  does not wait for its other branches.
- Forms and checklists block it; messages, and whatever the system does, do not. An empty step is done at once.
"""

from carewire_contracts.definition import Step, Track
from carewire_orchestrator.domain.actions import perform
from carewire_orchestrator.domain.activities import end
from carewire_orchestrator.domain.care_flow import Activity, ActivityStatus, StepStatus
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.tracks import fire
from carewire_orchestrator.domain.ways import follow


def reach(course: Course, track: Track, step: Step) -> None:
    """Come to a step."""
    if step.id in course.steps:
        return
    course.steps[step.id] = StepStatus.ACTIVE
    course.note_date(step.key, "ActivationDate")
    for action in step.actions:
        perform(course, track, step, action)
        if not course.is_active:
            return
    _finish_unless_blocked(course, track, step)


def end_activity(course: Course, activity: Activity, status: ActivityStatus) -> None:
    """End an activity, and its step where nothing else blocks that."""
    end(course, activity, status)
    _finish_unless_blocked(course, course.release.tracks[activity.track_id], course.release.steps[activity.step_id])


def _finish_unless_blocked(course: Course, track: Track, step: Step) -> None:
    if course.steps.get(step.id) is not StepStatus.ACTIVE or _is_blocked(course, step.id):
        return
    course.steps[step.id] = StepStatus.DONE
    course.note_date(step.key, "CompletionDate")
    follow(course, track, step.id)
    fire(course, "step_completed", step.id)


def _is_blocked(course: Course, step_id: str) -> bool:
    return any(activity.blocks for activity in course.activities.values() if activity.step_id == step_id)
