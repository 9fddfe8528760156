"""Forms and their questions."""

from typing import Annotated, Final, Literal

from pydantic import Field

from carewire_contracts.definition.data_points import PossibleValue, Range
from carewire_contracts.definition.nodes import NodeId, Title
from carewire_contracts.rules import Rule
from carewire_contracts.values import ValueType
from carewire_contracts.wire import Message

UserQuestionType = Literal[
    "multiple_select",
    "multiple_choice",
    "multiple_choice_grid",
    "number",
    "yes_no",
    "date",
    "short_text",
    "long_text",
    "slider",
    "telephone",
    "email",
    "signature",
    "file",
    "image",
    "icd10_classification",
    "description",
]

_VALUE_TYPES: Final[dict[str, ValueType]] = {
    "multiple_select": ValueType.STRINGS_ARRAY,
    "multiple_choice": ValueType.STRING,
    "multiple_choice_grid": ValueType.JSON,
    "number": ValueType.NUMBER,
    "yes_no": ValueType.BOOLEAN,
    "date": ValueType.DATE,
    "short_text": ValueType.STRING,
    "long_text": ValueType.STRING,
    "slider": ValueType.NUMBER,
    "telephone": ValueType.TELEPHONE,
    "email": ValueType.STRING,
    "signature": ValueType.ATTACHMENT,
    "file": ValueType.ATTACHMENT,
    "image": ValueType.ATTACHMENT,
    "icd10_classification": ValueType.STRING,
}


class Question(Message):
    """One question of a form. Its `id` is the id of the data point that its answer becomes.

    With a `rule` it is asked only while that is satisfied. A grid asks each of its `rows` for one of its
    `possible_values`; its answer is an object that leads from row to value.
    """

    id: NodeId
    key: NodeId
    title: Title
    user_question_type: UserQuestionType
    required: bool = False
    possible_values: tuple[PossibleValue, ...] = ()
    rows: tuple[PossibleValue, ...] = ()
    range: Range | None = None
    rule: Rule | None = None

    @property
    def value_type(self) -> ValueType | None:
        """The type of the answer; None for a description, which asks nothing."""
        return _VALUE_TYPES.get(self.user_question_type)

    @property
    def question_type(self) -> Literal["input", "no_input", "multiple_choice"]:
        """The reference's coarser classification, as `form.submitted` tells it."""
        if self.user_question_type == "description":
            return "no_input"
        return "multiple_choice" if self.user_question_type.startswith("multiple_") else "input"


class Form(Message):
    """Questions that one activity asks together."""

    id: NodeId
    key: NodeId
    title: Title
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]
