"""Fields of the patient's profile as data points `patient.<field>`, for rules, calculations and texts.

A care flow neither collects nor keeps them. Each event is given the profile as it is then, so what a rule sees is
never older than the event, and a patient who is merged, changed or erased leaves no copy behind. For the same reason
nothing waits for them: that a profile has changed is no event of a care flow.
"""

from collections.abc import Iterable

from carewire_contracts.definition import CareFlowDefinition
from carewire_contracts.values import Mismatch, TypedValue, parse_value
from carewire_orchestrator.domain.definition_data_points import PATIENT, PROFILE
from carewire_orchestrator.domain.profile import ProfileDocument, flatten_profile
from carewire_orchestrator.domain.references import references

_FIELDS = {f"{PATIENT}.{name}": name for name in PROFILE}


def profile_fields(definition: CareFlowDefinition) -> frozenset[str]:
    """Those data points of the profile that something in a definition refers to."""
    return frozenset(_FIELDS).intersection(references(definition))


def profile_values(profile: ProfileDocument, fields: Iterable[str]) -> dict[str, TypedValue]:
    """The values of these data points; one that is not known, or is none of its type, is empty."""
    known = flatten_profile(profile)
    values: dict[str, TypedValue] = {}
    for field in fields:
        name = _FIELDS[field]
        if name in known:
            parsed = parse_value(known[name], PROFILE[name][1])
            if not isinstance(parsed, Mismatch):
                values[field] = parsed.value
    return values
