"""The care-flow definition document: what a care team designs and publishes.

pathway > track > step > action, joined by transitions and started by triggers. The words are those of the
reference (section 5.7); rules stand inline where the reference points to them by id, so that a definition
reads from top to bottom.
"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field

from carewire_contracts.rules import Rule
from carewire_contracts.values import ValueType
from carewire_contracts.wire import Message

NodeId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.\-]+$")]
Title = Annotated[str, Field(min_length=1, max_length=512)]


class PossibleValue(Message):
    """One allowed value of a data point with the label that people read."""

    value: str | int | float
    label: str | None = None


class Range(Message):
    """Inclusive bounds of a number; an absent one is open."""

    min: float | None = None
    max: float | None = None


class DataPointDefinition(Message):
    """A baseline data point (category `pathway`): what a care flow must or may know when it starts."""

    id: NodeId
    key: NodeId
    title: Title
    value_type: ValueType
    optional: bool = False
    personal_data: bool = False
    possible_values: tuple[PossibleValue, ...] = ()
    range: Range | None = None
    unit: str | None = None


UserQuestionType = Literal[
    "multiple_select",
    "multiple_choice",
    "number",
    "yes_no",
    "date",
    "short_text",
    "long_text",
    "slider",
    "telephone",
    "email",
    "description",
]

_VALUE_TYPES: Final[dict[str, ValueType]] = {
    "multiple_select": ValueType.STRINGS_ARRAY,
    "multiple_choice": ValueType.STRING,
    "number": ValueType.NUMBER,
    "yes_no": ValueType.BOOLEAN,
    "date": ValueType.DATE,
    "short_text": ValueType.STRING,
    "long_text": ValueType.STRING,
    "slider": ValueType.NUMBER,
    "telephone": ValueType.TELEPHONE,
    "email": ValueType.STRING,
}


class Question(Message):
    """One question of a form. Its `id` is the id of the data point that its answer becomes."""

    id: NodeId
    key: NodeId
    title: Title
    user_question_type: UserQuestionType
    required: bool = False
    possible_values: tuple[PossibleValue, ...] = ()
    range: Range | None = None

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


class Stakeholder(Message):
    """Who does an activity: the patient, or somebody of the care team."""

    id: NodeId
    label: Title
    clinical_app_role: Literal["Patient", "Physician", "Caregiver"]


class _Action(Message):
    id: NodeId
    title: Title
    stakeholder_definition_ids: tuple[NodeId, ...] = ()


class FormAction(_Action):
    """Ask a form. Blocks its step until it is submitted."""

    type: Literal["form"] = "form"
    form_definition_id: NodeId


class ChecklistAction(_Action):
    """Items to tick. Blocks its step until it is completed."""

    type: Literal["checklist"] = "checklist"
    items: Annotated[tuple[Title, ...], Field(min_length=1)]


class MessageAction(_Action):
    """Tell somebody something. Does not block its step: it need not be read."""

    type: Literal["message"] = "message"
    subject: Title
    body: str


class StopCareFlowAction(_Action):
    """Stop the care flow, as an eligibility check does. A stopped care flow is not completed."""

    type: Literal["stop_care_flow"] = "stop_care_flow"
    reason: Title


Action = Annotated[FormAction | ChecklistAction | MessageAction | StopCareFlowAction, Field(discriminator="type")]


class Step(Message):
    """Actions that start together; the step is done when each that blocks is done. An empty step is legal."""

    id: NodeId
    key: NodeId
    title: Title
    actions: tuple[Action, ...] = ()


class Origin(Message):
    """Where a transition comes from: the start of its track, or a step once that is done."""

    type: Literal["track_start", "step"]
    node_id: NodeId | None = None


class Destination(Message):
    """Where a transition goes: to a step, or to the end of its track."""

    type: Literal["step", "track_end"]
    node_id: NodeId | None = None


class Transition(Message):
    """An arrow between steps. No rule means always; `default` is taken when no ruled one of its origin is."""

    id: NodeId
    origin: Origin
    destination: Destination
    rule: Rule | None = None
    default: bool = False


class Track(Message):
    """Steps and the transitions between them."""

    id: NodeId
    key: NodeId
    title: Title
    steps: tuple[Step, ...]
    transitions: tuple[Transition, ...]


class TriggerSettings(Message):
    """What starts a track: the start of the care flow, or the completion of another track or of a step."""

    type: Literal["pathway_started", "track_completed", "step_completed"]
    track_id: NodeId | None = None
    step_id: NodeId | None = None
    rule: Rule | None = None


class Trigger(Message):
    """Starts its target track each first time that its settings hold."""

    id: NodeId
    target_id: NodeId
    settings: TriggerSettings


class CareFlowDefinition(Message):
    """A whole care flow as designed. Publishing makes an immutable release of it."""

    id: NodeId
    title: Title
    data_points: tuple[DataPointDefinition, ...] = ()
    stakeholders: tuple[Stakeholder, ...] = ()
    forms: tuple[Form, ...] = ()
    tracks: Annotated[tuple[Track, ...], Field(min_length=1)]
    triggers: Annotated[tuple[Trigger, ...], Field(min_length=1)]

    def steps(self) -> Iterator[tuple[Track, Step]]:
        """Every step with its track."""
        for track in self.tracks:
            for step in track.steps:
                yield track, step

    def value_types(self) -> dict[str, ValueType]:
        """The type of every data point that a rule may refer to: baseline ones and answers of forms."""
        types = {point.id: point.value_type for point in self.data_points}
        for form in self.forms:
            types |= {q.id: q.value_type for q in form.questions if q.value_type is not None}
        return types
