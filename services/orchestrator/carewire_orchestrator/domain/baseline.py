"""Baseline data points: what a care flow must or may be told when it starts."""

from collections.abc import Iterable, Mapping

from carewire_contracts.definition import DataPointDefinition
from carewire_orchestrator.domain.given_values import GivenValue, ValueProblem, read_given_value, unknown_names


def baseline_points(definitions: Iterable[DataPointDefinition]) -> tuple[DataPointDefinition, ...]:
    """Those that a start gives values to; the others get theirs from calculations and API calls."""
    return tuple(definition for definition in definitions if definition.category == "pathway")


def read_baseline(
    definitions: Iterable[DataPointDefinition], given: Mapping[str, object]
) -> tuple[GivenValue, ...] | list[ValueProblem]:
    """Check the values given for a start, keyed by data point id, against the release's definitions.

    A null counts as not given. Answers the values in the order of the definitions, or all that is wrong.
    """
    known = {definition.id: definition for definition in baseline_points(definitions)}
    values: list[GivenValue] = []
    problems = unknown_names(given, known, "there is no such baseline data point in this release")
    for definition in known.values():
        raw = given.get(definition.id)
        if raw is not None:
            value = read_given_value(definition.id, raw, definition, definition.value_type)
            if isinstance(value, GivenValue):
                values.append(value)
            else:
                problems.append(value)
        elif not definition.optional:
            problems.append(ValueProblem(definition.id, "this data point is required; give it a value"))
    return problems or tuple(values)
