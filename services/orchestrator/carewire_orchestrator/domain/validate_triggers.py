"""What may be wrong with the triggers of a definition."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from carewire_contracts.definition import CareFlowDefinition, Trigger
from carewire_orchestrator.domain.definition_data_points import KnownDataPoint, never_collected
from carewire_orchestrator.domain.definition_problems import DefinitionProblem, ProblemCode, error, warning

_AWAITED: Final[Mapping[str, str]] = {
    "track_completed": "track",
    "step_completed": "step",
    "data_point_collected": "data_point_definition",
    "data_point_not_collected": "data_point_definition",
}
"""What each type of trigger waits for; the setting of that name and `_id` has to name it."""


def trigger_problems(
    definition: CareFlowDefinition, points: Mapping[str, KnownDataPoint]
) -> Iterator[DefinitionProblem]:
    """Every problem of triggers, and of tracks that lack one."""
    if not any(trigger.settings.type == "pathway_started" for trigger in definition.triggers):
        message = "no track starts with the care flow; add a trigger of type pathway_started"
        yield error(ProblemCode.MISSING_PATHWAY_STARTED_TRIGGER, definition.id, message)
    if not definition.tracks:
        yield error(ProblemCode.MISSING_STEPS, definition.id, "this definition has no track; add one with a step")
    yield from _tracks_without_start(definition)
    tracks = {track.id for track in definition.tracks}
    homes = {step.id: track.id for track, step in definition.steps()}
    collected = {point.id for point in points.values() if point.collected}
    known: Mapping[str, Iterable[str]] = {"track": tracks, "step": homes, "data_point_definition": collected}
    for trigger in definition.triggers:
        if trigger.target_id not in tracks:
            yield error(ProblemCode.NOT_FOUND, trigger.id, f"there is no track {trigger.target_id} to start")
        awaited = points.get(trigger.settings.data_point_definition_id or "")
        if trigger.settings.type in _AWAITED and awaited is not None and not awaited.collected:
            yield error(ProblemCode.INVALID_TRIGGER, trigger.id, never_collected(awaited.id))
        else:
            yield from _occasion_problems(trigger, known, homes)


def _occasion_problems(
    trigger: Trigger, known: Mapping[str, Iterable[str]], homes: Mapping[str, str]
) -> Iterator[DefinitionProblem]:
    settings = trigger.settings
    kind = _AWAITED.get(settings.type)
    if kind is None:
        return
    node_id: str | None = getattr(settings, f"{kind}_id")
    if node_id is None:
        message = f"a trigger of type {settings.type} needs {kind}_id"
        yield error(ProblemCode.INVALID_TRIGGER, trigger.id, message)
    elif node_id not in known[kind]:
        yield error(ProblemCode.NOT_FOUND, trigger.id, f"there is no {kind} {node_id} to wait for")
    elif kind != "data_point_definition" and trigger.target_id in (node_id, homes.get(node_id)):
        message = "the trigger waits for its own track, which has started by then"
        yield error(ProblemCode.INVALID_TRIGGER, trigger.id, message)


def _tracks_without_start(definition: CareFlowDefinition) -> Iterator[DefinitionProblem]:
    targets = {trigger.target_id for trigger in definition.triggers}
    started = _startable(definition)
    for track in definition.tracks:
        if track.id not in targets:
            yield warning(ProblemCode.MISSING_TRIGGER, track.id, "nothing starts this track; add a trigger")
        elif track.id not in started:
            message = "this track is only started by what never starts itself; add a trigger"
            yield warning(ProblemCode.MISSING_TRIGGER, track.id, message)


def _startable(definition: CareFlowDefinition) -> set[str]:
    """The tracks that can start at all: those whose occasion needs no track, and those that wait for one of them."""
    homes = {step.id: track.id for track, step in definition.steps()}
    started: set[str] = set()
    before = -1
    while len(started) > before:
        before = len(started)
        for trigger in definition.triggers:
            settings = trigger.settings
            awaited = {"track_completed": settings.track_id, "step_completed": homes.get(settings.step_id or "")}
            if settings.type not in awaited or awaited[settings.type] in started:
                started.add(trigger.target_id)
    return started
