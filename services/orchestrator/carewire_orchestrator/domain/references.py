"""Which data points the nodes of a definition refer to: rules, timings, timers, calculations and texts."""

from collections.abc import Iterator

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


def references(definition: CareFlowDefinition) -> Iterator[str]:
    """The id of each data point that is referred to, as often as it is; empty where a node should name one."""
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
