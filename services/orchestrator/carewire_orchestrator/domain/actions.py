"""What an action does when its step is reached: it makes an activity, and what the system can do, it does at once."""

from dataclasses import replace
from typing import assert_never

from carewire_contracts.definition import (
    Action,
    ApiCallAction,
    CalculationAction,
    ChecklistAction,
    ClinicalNoteAction,
    FormAction,
    MessageAction,
    Step,
    StopCareFlowAction,
    Track,
)
from carewire_orchestrator.domain.activities import announce, begin, end
from carewire_orchestrator.domain.api_calls import call
from carewire_orchestrator.domain.calculating import calculate
from carewire_orchestrator.domain.care_flow import ActivityStatus, Letter
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.ending import stop
from carewire_orchestrator.domain.notes import write_note
from carewire_orchestrator.domain.reminders import begin_to_remind
from carewire_orchestrator.domain.texts import fill, plain, texts


def perform(course: Course, track: Track, step: Step, action: Action) -> None:
    """Make the activity of an action."""
    activity = begin(course, action.type, track.id, step.id, action.id)
    match action:
        case FormAction() | ChecklistAction():
            begin_to_remind(course, announce(course, activity))
        case MessageAction():
            announce(course, replace(activity, letter=_letter(course, action)))
        case StopCareFlowAction():
            end(course, announce(course, activity), ActivityStatus.DONE)
            stop(course, action.reason)
        case CalculationAction():
            calculate(course, announce(course, activity), action)
        case ClinicalNoteAction():
            write_note(course, announce(course, activity), action)
        case ApiCallAction():
            call(course, announce(course, activity), action)
        case _:
            assert_never(action)


def _letter(course: Course, action: MessageAction) -> Letter | None:
    """A text without variables stands in the definition already."""
    if not action.dynamic_variables and not course.release.definition.settings.constants:
        return None
    known = texts(course, action.dynamic_variables)
    return Letter(fill(action.subject, known, plain), fill(action.body, known, plain))
