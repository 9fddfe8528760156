"""Data points that every step and track has by itself: when it started and when it was completed.

They are named `<key>.ActivationDate` and `<key>.CompletionDate` after the step's or the track's key (reference,
section 5.7); where both have the same key, the step's are meant. They are dates like any other: rules, timers,
calculations and texts may refer to them. No event tells of them, since those of tracks and activities do.
"""

from typing import Final, Literal

from carewire_contracts.definition import CareFlowDefinition
from carewire_orchestrator.domain.references import references

DateKind = Literal["ActivationDate", "CompletionDate"]

_KINDS: Final[tuple[DateKind, ...]] = ("ActivationDate", "CompletionDate")


def system_date(key: str, kind: DateKind) -> str:
    """The id of the data point that says when the step or track of this key started or was completed."""
    return f"{key}.{kind}"


def system_date_ids(definition: CareFlowDefinition) -> frozenset[str]:
    """Every system date that something in a definition may refer to."""
    keys = {track.key for track in definition.tracks} | {step.key for _, step in definition.steps()}
    return frozenset(system_date(key, kind) for key in keys for kind in _KINDS)


def asked_for(definition: CareFlowDefinition) -> frozenset[str]:
    """Those system dates that something refers to."""
    return system_date_ids(definition).intersection(references(definition))
