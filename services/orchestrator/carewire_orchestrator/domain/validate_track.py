"""What may be wrong with the steps and transitions of one track."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from carewire_contracts.definition import Track, Transition
from carewire_orchestrator.domain.definition_problems import DefinitionProblem, ProblemCode, error, warning


def track_problems(track: Track) -> Iterator[DefinitionProblem]:
    """Every problem of a track's own graph."""
    steps = {step.id for step in track.steps}
    if not steps:
        yield error(ProblemCode.MISSING_STEPS, track.id, "this track has no step; add one")
        return
    for transition in track.transitions:
        yield from _transition_problems(transition, steps)
    yield from _graph_problems(track, steps)


def _transition_problems(transition: Transition, steps: set[str]) -> Iterator[DefinitionProblem]:
    origin, destination = transition.origin, transition.destination
    if origin.type == "step" and origin.node_id not in steps:
        message = "its origin is not a step of this track; set origin.node_id"
        yield error(ProblemCode.NOT_FOUND, transition.id, message)
    if destination.type == "step" and destination.node_id is None:
        message = "it leads nowhere; set destination.node_id or lead it to track_end"
        yield error(ProblemCode.MISSING_DESTINATION, transition.id, message)
    elif destination.type == "step" and destination.node_id not in steps:
        yield error(ProblemCode.NOT_FOUND, transition.id, f"there is no step {destination.node_id} in this track")
    if transition.default and transition.rule is not None:
        message = "a default transition is taken when no rule holds; take its own rule away"
        yield error(ProblemCode.INCOMPLETE_CONDITION, transition.id, message)


def _graph_problems(track: Track, steps: set[str]) -> Iterator[DefinitionProblem]:
    arrows = _arrows(track.transitions, steps)
    reached = _reachable(arrows[None], arrows)
    if not reached:
        message = "no transition leads from the start of this track to a step"
        yield error(ProblemCode.MISSING_DESTINATION, track.id, message)
        return
    for step in track.steps:
        if step.id not in reached:
            yield warning(ProblemCode.MISSING_TRIGGER, step.id, "no transition leads to this step")
        if step.id in _reachable(arrows[step.id], arrows):
            message = "the way from this step comes back to it, and a step runs once; remove a transition"
            yield error(ProblemCode.CYCLE_DETECTED, step.id, message)


def _arrows(transitions: Iterable[Transition], steps: set[str]) -> defaultdict[str | None, set[str]]:
    """Steps that can be reached directly, by the step of origin; None is the start of the track."""
    arrows: defaultdict[str | None, set[str]] = defaultdict(set)
    for transition in transitions:
        destination = transition.destination
        if destination.type == "step" and destination.node_id in steps:
            origin = transition.origin.node_id if transition.origin.type == "step" else None
            arrows[origin].add(destination.node_id)
    return arrows


def _reachable(starts: Iterable[str], arrows: defaultdict[str | None, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(starts)
    while waiting:
        step = waiting.pop()
        if step not in reached:
            reached.add(step)
            waiting.extend(arrows[step])
    return reached
