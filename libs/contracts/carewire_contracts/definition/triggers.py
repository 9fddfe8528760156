"""Triggers: what starts a track."""

from typing import Literal

from carewire_contracts.definition.durations import Duration, Timing
from carewire_contracts.definition.nodes import NodeId
from carewire_contracts.rules import Rule
from carewire_contracts.wire import Message


class TriggerSettings(Message):
    """What starts a track, and what has to be named for it.

    - `pathway_started`: the care flow starts.
    - `track_completed`, `step_completed`: the track or step is done.
    - `data_point_collected`: the data point gets a value.
    - `data_point_not_collected`: it has got none for the `duration`.
    - `ad_hoc`: somebody starts the track by hand.
    """

    type: Literal[
        "pathway_started",
        "track_completed",
        "step_completed",
        "data_point_collected",
        "data_point_not_collected",
        "ad_hoc",
    ]
    track_id: NodeId | None = None
    step_id: NodeId | None = None
    data_point_definition_id: NodeId | None = None
    duration: Duration | None = None
    rule: Rule | None = None


class Trigger(Message):
    """Starts its target track each first time that its settings hold; with `timers`, when the last is due."""

    id: NodeId
    target_id: NodeId
    settings: TriggerSettings
    timers: tuple[Timing, ...] = ()
