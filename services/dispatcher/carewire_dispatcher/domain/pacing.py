"""How long an endpoint that has its hands full is likely to keep a delivery waiting.

A full endpoint frees a place each (mean attempt duration / concurrency). Deliveries that are diverted get
slots at that distance, so a backlog comes back as fast as the endpoint can take it, not all at once.
"""

from typing import Final, Self

from carewire_contracts.record import record

_WEIGHT: Final = 0.2
_UNKNOWN: Final = 20.0
"""The duration in milliseconds that is assumed of an endpoint not yet tried."""


@record()
class Pace:
    """What is known of one endpoint's speed; `next_slot` is the first free moment for a diverted one."""

    mean_duration: float = _UNKNOWN
    next_slot: int = 0

    def observed(self, duration: int) -> Self:
        """Learn from an attempt that took `duration`; a moving average."""
        return type(self)(self.mean_duration + _WEIGHT * (duration - self.mean_duration), self.next_slot)

    def diverted(self, slot: int, distance: int) -> Self:
        """Note that `slot` is taken, and that the next one is `distance` behind it."""
        return type(self)(self.mean_duration, slot + distance)

    def interval(self, concurrency: int) -> int:
        """Milliseconds between two free places."""
        return max(1, round(self.mean_duration / concurrency))

    def wait_behind(self, queued: int, concurrency: int) -> int:
        """Milliseconds that a delivery waits behind `queued` others."""
        return (queued + 1) * self.interval(concurrency)


UNKNOWN_PACE: Final = Pace()
"""The pace of an endpoint not yet tried."""
