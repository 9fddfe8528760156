"""The timing wheel: which retry topic a waiting delivery goes to.

Each tier delays by a fixed time, so records leave it in the order in which they came and only its head
is ever looked at. A wait is a walk down the tiers: the largest that fits, then the largest that fits the rest.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cache

from carewire_contracts.topics import TIERS


@dataclass(frozen=True, slots=True)
class Wheel:
    """The tiers of one deployment. `time_scale` divides their delays, as it does the schedule's offsets."""

    time_scale: float = 1.0

    def delay(self, tier: int) -> int:
        """Milliseconds that a record stays in `tier`, one of TIERS."""
        return _delays(self.time_scale)[TIERS.index(tier)]

    @property
    def shortest(self) -> int:
        """The shortest delay; a wait below it is spent in memory."""
        return _delays(self.time_scale)[0]

    def tier_for(self, wait: int) -> int | None:
        """Find the largest tier that doesn't outlast `wait`, or None where even the smallest would."""
        fitting = bisect_right(_delays(self.time_scale), wait)
        return TIERS[fitting - 1] if fitting else None

    def path(self, wait: int) -> tuple[int, ...]:
        """Every tier that a wait goes through; what is left at the end is below the shortest delay."""
        walked: list[int] = []
        while (tier := self.tier_for(wait)) is not None:
            walked.append(tier)
            wait -= self.delay(tier)
        return tuple(walked)


# A deployment has one time scale, and each delivery that is put off asks for all of its delays.
@cache
def _delays(time_scale: float) -> tuple[int, ...]:
    return tuple(round(tier * 1000 / time_scale) for tier in TIERS)
