"""Data points that every step and track has by itself: when it started and when it was completed.

They are named `<key>.ActivationDate` and `<key>.CompletionDate` after the step's or the track's key (reference,
section 5.7); where both have the same key, the step's are meant. They are dates like any other: rules, timers,
calculations and texts may refer to them. No event tells of them, since those of tracks and activities do.
"""

from collections.abc import Iterator
from typing import Final, Literal

from carewire_contracts.definition import (
    ApiCallAction,
    AwaitedDataPointTimer,
    CalculationAction,
    CareFlowDefinition,
    ClinicalNoteAction,
    DateTimer,
    MessageAction,
    Timing,
    Track,
)
from carewire_contracts.rules import Rule

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
    return system_date_ids(definition).intersection(_references(definition))


def _references(definition: CareFlowDefinition) -> Iterator[str]:
    for trigger in definition.triggers:
        yield from _of_rule(trigger.settings.rule)
        yield from _of_timings(trigger.timers)
        yield trigger.settings.data_point_definition_id or ""
    for form in definition.forms:
        for question in form.questions:
            yield from _of_rule(question.rule)
    for track in definition.tracks:
        yield from _of_track(track)


def _of_track(track: Track) -> Iterator[str]:
    for transition in track.transitions:
        yield from _of_rule(transition.rule)
        yield from _of_timings(() if transition.timing is None else (transition.timing,))
    for timer in track.timers:
        if isinstance(timer, DateTimer | AwaitedDataPointTimer):
            yield timer.data_point_definition_id
    for step in track.steps:
        for action in step.actions:
            if isinstance(action, CalculationAction):
                yield from (each.data_point_definition_id for each in action.inputs)
            elif isinstance(action, MessageAction | ApiCallAction | ClinicalNoteAction):
                yield from (variable.data_point_definition_id for variable in action.dynamic_variables)


def _of_rule(rule: Rule | None) -> frozenset[str]:
    return frozenset() if rule is None else rule.references()


def _of_timings(timings: tuple[Timing, ...]) -> Iterator[str]:
    return (timing.data_point_definition_id or "" for timing in timings)
