"""A definition as a graph that people can look at: for each track its places, and the arrows between them.

It is drawn by `definition_mermaid` and `definition_svg`. Drafts have pictures too, so arrows may lead in circles;
those that lead to nowhere are left out.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from carewire_contracts.definition import (
    Action,
    AwaitedDataPointTimer,
    CareFlowDefinition,
    DateTimer,
    Destination,
    Duration,
    Offset,
    Origin,
    Timer,
    Timing,
    Track,
    Transition,
    Trigger,
)
from carewire_contracts.record import record
from carewire_contracts.rules import Condition, DataPointOperand, Rule
from carewire_orchestrator.domain.definition_data_points import data_points_by_id

PlaceKind = Literal["start", "step", "timer", "track_end", "pathway_end"]


@record()
class Place:
    """A place of a track; `lines` say what happens there. `key` is unique within the picture."""

    key: str
    kind: PlaceKind
    title: str
    lines: tuple[str, ...] = ()


@record()
class Arrow:
    """A way from one place to another, by their keys; the label says when it is taken."""

    origin: str
    destination: str
    label: str


@record()
class TrackGraph:
    """A track; its first place is where it starts."""

    key: str
    title: str
    places: tuple[Place, ...]
    arrows: tuple[Arrow, ...]


def graph_of(definition: CareFlowDefinition) -> tuple[TrackGraph, ...]:
    """The tracks of a definition, in their order."""
    titles = {point.id: point.title for point in data_points_by_id(definition).values()}
    titles |= {track.id: track.title for track in definition.tracks}
    titles |= {step.id: step.title for _, step in definition.steps()}
    return tuple(_track(number, track, definition, titles) for number, track in enumerate(definition.tracks, start=1))


def _track(number: int, track: Track, definition: CareFlowDefinition, titles: Mapping[str, str]) -> TrackGraph:
    key = f"t{number}"
    started = tuple(_occasion(one, titles) for one in definition.triggers if one.target_id == track.id)
    places = {"": Place(f"{key}start", "start", "Start", started)}
    for index, step in enumerate(track.steps, start=1):
        places[f"step {step.id}"] = Place(f"{key}s{index}", "step", step.title, tuple(map(_action, step.actions)))
    for index, timer in enumerate(track.timers, start=1):
        places[f"timer {timer.id}"] = Place(f"{key}w{index}", "timer", timer.title, (_wait(timer, titles),))
    ends = {transition.destination.type for transition in track.transitions}
    for kind, title in _ENDS.items():
        if kind in ends:
            places[kind] = Place(f"{key}{kind.partition('_')[0]}end", kind, title)
    return TrackGraph(key, track.title, tuple(places.values()), tuple(_arrows(track, places, titles)))


_ENDS: Final[Mapping[Literal["track_end", "pathway_end"], str]] = {
    "track_end": "End of the track",
    "pathway_end": "End of the care flow",
}


def _arrows(track: Track, places: Mapping[str, Place], titles: Mapping[str, str]) -> Iterator[Arrow]:
    for transition in track.transitions:
        origin, destination = places.get(_key(transition.origin)), places.get(_key(transition.destination))
        if origin is not None and destination is not None:
            yield Arrow(origin.key, destination.key, _label(transition, titles))


def _key(end: Origin | Destination) -> str:
    if end.type == "track_start":
        return ""
    return f"{end.type} {end.node_id}" if end.type in ("step", "timer") else end.type


def _label(transition: Transition, titles: Mapping[str, str]) -> str:
    parts = []
    if transition.default:
        parts.append("otherwise")
    elif transition.rule is not None:
        parts.append(f"if {_rule(transition.rule, titles)}")
    if transition.timing is not None:
        parts.append(_timing(transition.timing, titles))
    return ", ".join(parts)


def _occasion(trigger: Trigger, titles: Mapping[str, str]) -> str:
    settings = trigger.settings
    node_id = settings.track_id or settings.step_id or settings.data_point_definition_id or ""
    node = titles.get(node_id, node_id)
    words = {
        "pathway_started": "when the care flow starts",
        "track_completed": f"when {node} is completed",
        "step_completed": f"when {node} is completed",
        "data_point_collected": f"when {node} is known",
        "data_point_not_collected": f"when {node} stays unknown",
        "ad_hoc": "by hand",
    }[settings.type]
    if settings.duration is not None:
        words += f" for {_length(settings.duration)}"
    if settings.rule is not None:
        words += f", if {_rule(settings.rule, titles)}"
    return ", ".join([words, *(_timing(timing, titles) for timing in trigger.timers)])


def _action(action: Action) -> str:
    return f"{action.type.replace('_', ' ')}: {action.title}"


def _wait(timer: Timer, titles: Mapping[str, str]) -> str:
    if isinstance(timer, DateTimer | AwaitedDataPointTimer):
        point = titles.get(timer.data_point_definition_id, timer.data_point_definition_id)
    match timer:
        case DateTimer():
            at = f" at {timer.time_of_day}" if timer.time_of_day else ""
            return f"until {_distance(timer.offset, point)}{at}"
        case AwaitedDataPointTimer():
            return f"until {point} is known" + (f", at most {_length(timer.timeout)}" if timer.timeout else "")
        case _:
            return f"for {_length(timer.delay)}"


def _timing(timing: Timing, titles: Mapping[str, str]) -> str:
    if timing.data_point_definition_id is None:
        return f"after {_length(timing.delay)}"
    point = titles.get(timing.data_point_definition_id, timing.data_point_definition_id)
    return f"at {_distance(timing.delay, point)}"


def _distance(offset: Offset | None, point: str) -> str:
    if offset is None or offset.amount == 0:
        return point
    return f"{_length(offset)} {'before' if offset.amount < 0 else 'after'} {point}"


def _length(length: Duration | Offset) -> str:
    amount = abs(length.amount)
    return f"{amount} {length.unit}{'' if amount == 1 else 's'}"


def _rule(rule: Rule, titles: Mapping[str, str]) -> str:
    join = " or " if rule.all is None else " and "
    parts = [
        f"({_rule(entry, titles)})" if isinstance(entry, Rule) else _condition(entry, titles) for entry in rule.entries
    ]
    return join.join(parts) or "always"


def _condition(condition: Condition, titles: Mapping[str, str]) -> str:
    operand = condition.operand
    if isinstance(operand, DataPointOperand):
        operand = titles.get(operand.data_point, operand.data_point)
    words = [titles.get(condition.reference, condition.reference), condition.operator.value.replace("_", " ")]
    return " ".join([*words, *([] if operand is None else [_literal(operand)])])


def _literal(operand: object) -> str:
    if isinstance(operand, list):
        return ", ".join(map(_literal, operand))
    return str(operand).lower() if isinstance(operand, bool) else str(operand)
