"""Values that somebody gives for data points, baseline ones and answers alike: read, checked, never shown.

Everything that is wrong is told at once, in words that name the field and the cure and never hold the value.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import field
from typing import Any

from carewire_contracts.definition import DataPointDefinition, PossibleValue, Question, Range
from carewire_contracts.record import record
from carewire_contracts.values import Mismatch, ValueType, check_constraints, parse_value, to_wire


@record()
class GivenValue:
    """A checked value in its wire form. Its repr hides the value, which may be health data."""

    definition_id: str
    value_type: ValueType
    value: Any = field(repr=False)


@record()
class ValueProblem:
    """What is wrong with one field, for the one who sent it."""

    field: str
    message: str


def read_given_value(
    name: str, raw: object, definition: DataPointDefinition | Question, value_type: ValueType
) -> GivenValue | ValueProblem:
    """Read one value as its definition asks; `name` is what the sender calls the field."""
    parsed = parse_value(raw, value_type)
    if isinstance(parsed, Mismatch):
        return ValueProblem(name, str(parsed))
    wrong = _check(parsed.value, definition.possible_values, definition.range)
    if wrong is not None:
        return ValueProblem(name, str(wrong))
    return GivenValue(definition.id, value_type, to_wire(parsed.value, value_type))


def unknown_names(given: Iterable[str], known: Container[str], message: str) -> list[ValueProblem]:
    """A problem for each name that is none of ours. It is told by its place: such a name may hold anything."""
    return [ValueProblem(f"entry {place}", message) for place, name in enumerate(given, 1) if name not in known]


def _check(value: Any, possible: Sequence[PossibleValue], bounds: Range | None) -> Mismatch | None:
    return check_constraints(
        value,
        possible_values=tuple(item.value for item in possible),
        minimum=None if bounds is None else bounds.min,
        maximum=None if bounds is None else bounds.max,
    )
