"""A definition that is being designed."""

from carewire_contracts.definition import CareFlowDefinition, Track, Trigger


class DraftDefinition(CareFlowDefinition):
    """A working copy. It has the shape of a definition, but may still lack tracks and triggers.

    What `validate` finds no ERROR in reads as a `CareFlowDefinition` as well.
    """

    tracks: tuple[Track, ...] = ()
    triggers: tuple[Trigger, ...] = ()
