"""Tracks: steps and timers, and the transitions between them."""

from typing import Literal

from carewire_contracts.definition.actions import Action
from carewire_contracts.definition.durations import Timing
from carewire_contracts.definition.nodes import Labels, NodeId, Title
from carewire_contracts.definition.timers import Timer
from carewire_contracts.rules import Rule
from carewire_contracts.wire import Message


class Step(Message):
    """Actions that start together; the step is done when each that blocks is done. An empty step is legal."""

    id: NodeId
    key: NodeId
    title: Title
    actions: tuple[Action, ...] = ()
    labels: Labels = ()
    documentation: str | None = None


class Origin(Message):
    """Where a transition comes from: the start of its track, or a step or timer once that is done."""

    type: Literal["track_start", "step", "timer"]
    node_id: NodeId | None = None


class Destination(Message):
    """Where a transition goes: to a step or timer, to the end of its track, or to that of the care flow."""

    type: Literal["step", "timer", "track_end", "pathway_end"]
    node_id: NodeId | None = None


class Transition(Message):
    """An arrow between steps. No rule means always; `default` is taken when no ruled one of its origin is.

    With `timing` the way takes time; a timer node says the same more plainly.
    """

    id: NodeId
    origin: Origin
    destination: Destination
    rule: Rule | None = None
    default: bool = False
    timing: Timing | None = None


class Track(Message):
    """Steps, timers, and the transitions between them."""

    id: NodeId
    key: NodeId
    title: Title
    steps: tuple[Step, ...]
    transitions: tuple[Transition, ...]
    timers: tuple[Timer, ...] = ()
    labels: Labels = ()
    documentation: str | None = None
