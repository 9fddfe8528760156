"""The number of an event within its care flow.

The first event of a care flow has 1, and each that follows has the next number, whatever its type: who takes every
type sees by a gap that something is missing, and by a lower number that something comes late. It is the number of
header `ce_sequence` and of the care flow's timeline. It belongs to the care flow, not to a receiver.
"""

from typing import Annotated, TypeAlias

from pydantic import Field

SequenceNumber: TypeAlias = Annotated[
    Annotated[int, Field(ge=1)] | None,
    Field(description="The number of this event within its care flow: from 1, without a gap. Events of old have none."),
]
"""Absent from events that were written before events were numbered, and from `patient.*`."""
