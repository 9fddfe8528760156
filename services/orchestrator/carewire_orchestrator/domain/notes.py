"""Clinical notes: templates filled with what is known when the step is reached."""

from carewire_contracts.definition import ClinicalNoteAction
from carewire_orchestrator.domain.activities import end
from carewire_orchestrator.domain.care_flow import Activity, ActivityStatus
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.effects import NoteWritten
from carewire_orchestrator.domain.texts import fill, in_html, plain, texts


def write_note(course: Course, activity: Activity, action: ClinicalNoteAction) -> None:
    """Write the note and end the activity. Bodies are HTML, so that what is filled in is escaped."""
    known = texts(course, action.dynamic_variables)
    narratives = tuple((one.id, fill(one.body, known, in_html)) for one in action.narratives)
    context = tuple((one.key, fill(one.value, known, plain)) for one in action.context)
    course.tell(NoteWritten(activity, narratives, context, course.now))
    end(course, activity, ActivityStatus.DONE)
