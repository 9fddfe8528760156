"""`track.*`: a track started, completed or was stopped (reference, section 1.3)."""

from typing import Literal

from carewire_contracts.events.pathway import Pathway
from carewire_contracts.events.sequence_number import SequenceNumber
from carewire_contracts.wire import Message


class TrackReference(Message):
    """The track, as designed."""

    id: str
    title: str


class TrackEvent(Message):
    """A track started, ran to its end or was stopped."""

    event_type: Literal["track.started", "track.completed", "track.stopped"]
    track: TrackReference
    pathway: Pathway
    sequence: SequenceNumber = None
