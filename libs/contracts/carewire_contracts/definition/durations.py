"""Lengths of time as designers say them. Days and longer are those of the patient's calendar and time zone."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from carewire_contracts.definition.nodes import NodeId
from carewire_contracts.wire import Message

Unit = Literal["minute", "hour", "day", "week", "month", "year"]


class Duration(Message):
    """A length of time that passes."""

    amount: Annotated[int, Field(ge=1, le=100_000)]
    unit: Unit


class Offset(Message):
    """A distance from a date; a negative amount lies before it."""

    amount: Annotated[int, Field(ge=-100_000, le=100_000)]
    unit: Unit


class Timing(Message):
    """When to go on: after a delay, counted from now or, where a data point is named, from the date that it holds."""

    delay: Offset
    data_point_definition_id: NodeId | None = None

    @model_validator(mode="after")
    def _not_in_the_past(self) -> Self:
        if self.delay.amount < 0 and self.data_point_definition_id is None:
            raise ValueError("a delay before a date needs data_point_definition_id")
        return self
