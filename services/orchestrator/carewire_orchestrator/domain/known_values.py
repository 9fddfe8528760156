"""What a care flow knows, as rules and texts need it."""

from collections.abc import Mapping
from datetime import datetime

from carewire_contracts.values import TypedValue, from_wire
from carewire_orchestrator.domain.care_flow import CollectedValue
from carewire_orchestrator.domain.profile import ProfileDocument
from carewire_orchestrator.domain.profile_values import profile_values
from carewire_orchestrator.domain.release import Release


def known_values(
    release: Release,
    profile: ProfileDocument,
    data_points: Mapping[str, CollectedValue],
    system_dates: Mapping[str, datetime],
) -> dict[str, TypedValue]:
    """The last value of each data point by its id, with system dates and what the release asks of the profile."""
    values: dict[str, TypedValue] = {**profile_values(profile, release.profile_fields), **system_dates}
    for definition_id, collected in data_points.items():
        values[definition_id] = from_wire(collected.given.value, collected.given.value_type)
    return values
