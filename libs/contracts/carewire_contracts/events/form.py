"""`form.submitted`: somebody answered a form (reference, section 1.3).

A question's `definition_id` equals the `data_point_definition_id` of its answer.
"""

from typing import Literal

from carewire_contracts.events.data_point import DataPoint
from carewire_contracts.events.pathway import Pathway
from carewire_contracts.events.sequence_number import SequenceNumber
from carewire_contracts.timestamps import Timestamp
from carewire_contracts.wire import Message


class FormQuestion(Message):
    """A question as asked; `titleHtml` is filled for descriptions alone."""

    title: str
    key: str
    definition_id: str
    questionType: Literal["input", "no_input", "multiple_choice"]  # noqa: N815 - the reference's own spelling
    userQuestionType: str  # noqa: N815 - the reference's own spelling
    titleHtml: str | None = None  # noqa: N815 - the reference's own spelling


class SubmittedForm(Message):
    """The form that was answered."""

    title: str
    questions: tuple[FormQuestion, ...]


class FormSubmitted(Message):
    """A form was submitted with these answers."""

    event_type: Literal["form.submitted"] = "form.submitted"
    activity_id: str
    date: Timestamp
    response: tuple[DataPoint, ...]
    form: SubmittedForm
    pathway: Pathway
    sequence: SequenceNumber = None
