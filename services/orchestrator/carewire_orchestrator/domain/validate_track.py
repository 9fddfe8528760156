"""What may be wrong with the steps and transitions of one track."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from carewire_contracts.definition import Track, Transition
from carewire_orchestrator.domain.definition_problems import DefinitionProblem, ProblemCode, error, warning


def track_problems(track: Track) -> Iterator[DefinitionProblem]:
    """Every problem of a track's own graph."""
    nodes = {"step": {step.id for step in track.steps}, "timer": {timer.id for timer in track.timers}}
    if not nodes["step"]:
        yield error(ProblemCode.MISSING_STEPS, track.id, "this track has no step; add one")
        return
    for transition in track.transitions:
        yield from _transition_problems(transition, nodes)
    yield from _graph_problems(track, nodes["step"] | nodes["timer"])


def _transition_problems(transition: Transition, nodes: Mapping[str, set[str]]) -> Iterator[DefinitionProblem]:
    """What is wrong with one arrow; `nodes` are the ids of the track's steps and timers."""
    origin, destination = transition.origin, transition.destination
    if origin.type in nodes and origin.node_id not in nodes[origin.type]:
        message = f"its origin is not a {origin.type} of this track; set origin.node_id"
        yield error(ProblemCode.NOT_FOUND, transition.id, message)
    if destination.type in nodes and destination.node_id is None:
        message = "it leads nowhere; set destination.node_id or lead it to track_end"
        yield error(ProblemCode.MISSING_DESTINATION, transition.id, message)
    elif destination.type in nodes and destination.node_id not in nodes[destination.type]:
        message = f"there is no {destination.type} {destination.node_id} in this track"
        yield error(ProblemCode.NOT_FOUND, transition.id, message)
    if transition.default and transition.rule is not None:
        message = "a default transition is taken when no rule holds; take its own rule away"
        yield error(ProblemCode.INCOMPLETE_CONDITION, transition.id, message)


def _graph_problems(track: Track, nodes: set[str]) -> Iterator[DefinitionProblem]:
    arrows = _arrows(track.transitions, nodes)
    reached = reachable(arrows[None], arrows)
    if not reached:
        message = "no transition leads from the start of this track to a step"
        yield error(ProblemCode.MISSING_DESTINATION, track.id, message)
        return
    kinds = {step.id: "step" for step in track.steps} | {timer.id: "timer" for timer in track.timers}
    for node_id, kind in kinds.items():
        if node_id not in reached:
            yield warning(ProblemCode.MISSING_TRIGGER, node_id, f"no transition leads to this {kind}")
    origins = {transition.origin.node_id for transition in track.transitions}
    for timer in track.timers:
        if timer.id not in origins:
            message = "nothing follows this wait; add a transition from it"
            yield warning(ProblemCode.MISSING_DESTINATION, timer.id, message)
    suspects = _neither_first_nor_last(kinds, arrows)
    for node in (*track.steps, *track.timers):
        if node.id in suspects and node.id in reachable(arrows[node.id], arrows):
            message = "the way from here comes back to it, and everything runs once; remove a transition"
            yield error(ProblemCode.CYCLE_DETECTED, node.id, message)


def _arrows(transitions: Iterable[Transition], nodes: set[str]) -> defaultdict[str | None, set[str]]:
    """Steps and timers that can be reached directly, by the node of origin; None is the start of the track."""
    arrows: defaultdict[str | None, set[str]] = defaultdict(set)
    for transition in transitions:
        destination = transition.destination
        if destination.type in ("step", "timer") and destination.node_id in nodes:
            origin = None if transition.origin.type == "track_start" else transition.origin.node_id
            arrows[origin].add(destination.node_id)
    return arrows


def _neither_first_nor_last(nodes: Iterable[str], arrows: Mapping[str | None, set[str]]) -> set[str]:
    """The nodes that are left when those that nothing leads to, or that lead nowhere, are taken away again and again.

    These are few, and none in a sound track: only they are worth following all the way round.
    """
    backwards: defaultdict[str | None, set[str]] = defaultdict(set)
    for origin, destinations in arrows.items():
        for destination in destinations:
            if origin is not None:
                backwards[destination].add(origin)
    return _not_ending(_not_ending(set(nodes), arrows, backwards), backwards, arrows)


def _not_ending(
    nodes: set[str], forwards: Mapping[str | None, set[str]], backwards: Mapping[str | None, set[str]]
) -> set[str]:
    left = {node: len(forwards.get(node, set()) & nodes) for node in nodes}
    ending = [node for node, count in left.items() if not count]
    while ending:
        node = ending.pop()
        del left[node]
        for origin in backwards.get(node, ()):
            if origin in left:
                left[origin] -= 1
                if not left[origin]:
                    ending.append(str(origin))
    return set(left)


def reachable(starts: Iterable[str], arrows: defaultdict[str | None, set[str]]) -> set[str]:
    """Everything that can be reached over arrows, the starts included."""
    reached: set[str] = set()
    waiting = list(starts)
    while waiting:
        step = waiting.pop()
        if step not in reached:
            reached.add(step)
            waiting.extend(arrows[step])
    return reached
