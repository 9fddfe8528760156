"""Data points that a definition declares, and their values as parts of a text."""

from typing import Annotated, Literal

from pydantic import Field

from carewire_contracts.definition.nodes import NodeId, Title
from carewire_contracts.values import ValueType
from carewire_contracts.wire import Message

DataPointCategory = Literal["pathway", "api_call", "calculation"]
"""Where a declared value comes from: the start of the care flow (baseline), an API call's answer, a calculation.

The reference's other categories are not declared: their data points follow from forms, steps, tracks and patients.
"""


class PossibleValue(Message):
    """One allowed value of a data point with the label that people read."""

    value: str | int | float
    label: str | None = None


class Range(Message):
    """Inclusive bounds of a number; an absent one is open."""

    min: float | None = None
    max: float | None = None


class DataPointDefinition(Message):
    """A data point. One of category `pathway` is what a care flow must or may know when it starts."""

    id: NodeId
    key: NodeId
    title: Title
    value_type: ValueType
    category: DataPointCategory = "pathway"
    optional: bool = False
    personal_data: bool = False
    possible_values: tuple[PossibleValue, ...] = ()
    range: Range | None = None
    unit: str | None = None


class DynamicVariable(Message):
    """A data point as part of a text, which names it in double braces: `{{name}}`.

    `fallback` stands there while the data point has no value.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
    data_point_definition_id: NodeId
    property: Literal["value", "label", "collection_date"] = "value"
    fallback: str = ""
