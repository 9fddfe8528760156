"""What may be wrong with the waits of a definition: timers, and timings of transitions and triggers."""

from collections.abc import Iterator, Mapping

from carewire_contracts.definition import (
    AwaitedDataPointTimer,
    CareFlowDefinition,
    DateTimer,
    Timer,
    Timing,
    Trigger,
)
from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.definition_data_points import KnownDataPoint, never_collected
from carewire_orchestrator.domain.definition_problems import DefinitionProblem, ProblemCode, error, warning


def timing_problems(
    definition: CareFlowDefinition, points: Mapping[str, KnownDataPoint]
) -> Iterator[DefinitionProblem]:
    """Every wait that does not say until when."""
    for trigger in definition.triggers:
        yield from _trigger_problems(trigger, points)
    for track in definition.tracks:
        for timer in track.timers:
            yield from _timer_problems(timer, points)
        for transition in track.transitions:
            if transition.timing is not None:
                yield from _timing_problems(transition.id, transition.timing, points)


def _trigger_problems(trigger: Trigger, points: Mapping[str, KnownDataPoint]) -> Iterator[DefinitionProblem]:
    if trigger.settings.type == "data_point_not_collected" and trigger.settings.duration is None:
        message = "it does not say for how long there has to be no value; set duration"
        yield error(ProblemCode.INCOMPLETE_TIMING, trigger.id, message)
    for timing in trigger.timers:
        yield from _timing_problems(trigger.id, timing, points)


def _timer_problems(timer: Timer, points: Mapping[str, KnownDataPoint]) -> Iterator[DefinitionProblem]:
    if isinstance(timer, DateTimer):
        yield from _date_problems(timer.id, timer.data_point_definition_id, points)
    elif isinstance(timer, AwaitedDataPointTimer):
        point = points.get(timer.data_point_definition_id)
        if point is None:
            message = f"there is no data point {timer.data_point_definition_id} to wait for"
            yield error(ProblemCode.NOT_FOUND, timer.id, message)
        elif not point.collected:
            yield error(ProblemCode.INCOMPLETE_TIMING, timer.id, never_collected(point.id))
        if timer.timeout is None:
            message = "it waits for ever where nobody gives the value; set timeout"
            yield warning(ProblemCode.INCOMPLETE_TIMING, timer.id, message)


def _timing_problems(node_id: str, timing: Timing, points: Mapping[str, KnownDataPoint]) -> Iterator[DefinitionProblem]:
    if timing.data_point_definition_id is not None:
        yield from _date_problems(node_id, timing.data_point_definition_id, points)
    elif timing.delay.amount == 0:
        message = "it waits for no time at all; give delay.amount, or remove the timing"
        yield error(ProblemCode.INCOMPLETE_TIMING, node_id, message)


def _date_problems(node_id: str, reference: str, points: Mapping[str, KnownDataPoint]) -> Iterator[DefinitionProblem]:
    point = points.get(reference)
    if point is None:
        yield error(ProblemCode.NOT_FOUND, node_id, f"there is no data point {reference} to count from")
    elif not point.collected:
        yield error(ProblemCode.INCOMPLETE_TIMING, node_id, never_collected(point.id))
    elif point.value_type is not ValueType.DATE:
        message = f"{reference} is of type {point.value_type}; count from a data point of type date"
        yield error(ProblemCode.INCOMPLETE_TIMING, node_id, message)
