"""What a care flow knows, as rules and texts need it."""

from collections.abc import Mapping
from datetime import datetime

from carewire_contracts.values import TypedValue, from_wire
from carewire_orchestrator.domain.care_flow import CollectedValue


def known_values(
    data_points: Mapping[str, CollectedValue], system_dates: Mapping[str, datetime]
) -> dict[str, TypedValue]:
    """The last value of each data point by its id, system dates included."""
    values: dict[str, TypedValue] = dict(system_dates)
    for definition_id, collected in data_points.items():
        values[definition_id] = from_wire(collected.given.value, collected.given.value_type)
    return values
