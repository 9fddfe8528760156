"""What a step does: one class for each kind of action."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from carewire_contracts.definition.data_points import DynamicVariable
from carewire_contracts.definition.durations import Duration
from carewire_contracts.definition.nodes import NodeId, Title
from carewire_contracts.wire import Message

Template = str
"""A text that may name dynamic variables."""


class _Action(Message):
    """`idle_time` is how long an activity may lie there before somebody is told."""

    id: NodeId
    title: Title
    stakeholder_definition_ids: tuple[NodeId, ...] = ()
    idle_time: Duration | None = None


class FormAction(_Action):
    """Ask a form. Blocks its step until it is submitted.

    `display_mode` is how a form is shown: all questions at once, or one after another. It changes no answer.
    """

    type: Literal["form"] = "form"
    form_definition_id: NodeId
    display_mode: Literal["regular", "conversational"] = "regular"


class ChecklistAction(_Action):
    """Items to tick. Blocks its step until it is completed."""

    type: Literal["checklist"] = "checklist"
    items: Annotated[tuple[Title, ...], Field(min_length=1)]


class MessageAction(_Action):
    """Tell somebody something. Does not block its step: it need not be read."""

    type: Literal["message"] = "message"
    subject: Title
    body: Template
    dynamic_variables: tuple[DynamicVariable, ...] = ()


class StopCareFlowAction(_Action):
    """Stop the care flow, as an eligibility check does. A stopped care flow is not completed."""

    type: Literal["stop_care_flow"] = "stop_care_flow"
    reason: Title


class Header(Message):
    """A header of an API call."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")]
    value: Template


class ResponseField(Message):
    """A value of an API call's answer, found by a JSONPath (RFC 9535), and the data point that it becomes."""

    path: Annotated[str, Field(min_length=1, max_length=1024)]
    data_point_definition_id: NodeId


class ApiCallAction(_Action):
    """Call somebody's HTTP API, and keep what its answer says. Does not block its step."""

    type: Literal["api_call"] = "api_call"
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    url: Annotated[Template, Field(min_length=1, max_length=2048)]
    headers: tuple[Header, ...] = ()
    body: Template | None = None
    dynamic_variables: tuple[DynamicVariable, ...] = ()
    response: tuple[ResponseField, ...] = ()


class CalculationInput(Message):
    """A data point under the name by which the expression calls it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
    data_point_definition_id: NodeId


class CalculationAction(_Action):
    """Compute a data point from others. Does not block its step."""

    type: Literal["calculation"] = "calculation"
    expression: Annotated[str, Field(min_length=1, max_length=4096)]
    inputs: tuple[CalculationInput, ...] = ()
    output_data_point_definition_id: NodeId


class NarrativeTemplate(Message):
    """One part of a clinical note."""

    id: NodeId
    key: NodeId
    title: Title
    body: Template


class NoteContext(Message):
    """Something that a clinical note's receiver has to know of it, such as the encounter."""

    key: NodeId
    value: Template


class ClinicalNoteAction(_Action):
    """Write a clinical note. Does not block its step."""

    type: Literal["clinical_note"] = "clinical_note"
    narratives: Annotated[tuple[NarrativeTemplate, ...], Field(min_length=1)]
    context: tuple[NoteContext, ...] = ()
    dynamic_variables: tuple[DynamicVariable, ...] = ()


Action: TypeAlias = Annotated[
    FormAction
    | ChecklistAction
    | MessageAction
    | StopCareFlowAction
    | ApiCallAction
    | CalculationAction
    | ClinicalNoteAction,
    Field(discriminator="type"),
]
