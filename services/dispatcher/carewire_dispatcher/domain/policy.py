"""All the rules of one deployment that depend on time, scaled alike."""

from dataclasses import dataclass
from typing import Self

from carewire_dispatcher.domain.breaker import BreakerPolicy
from carewire_dispatcher.domain.schedule import RetrySchedule
from carewire_dispatcher.domain.tiers import Wheel


@dataclass(frozen=True, slots=True)
class Policy:
    """When attempts are due, where waits are spent, and when an endpoint is left alone."""

    schedule: RetrySchedule
    wheel: Wheel
    breaker: BreakerPolicy

    @classmethod
    def scaled(cls, time_scale: float = 1.0) -> Self:
        """Make the policy of a deployment whose times are divided by `time_scale`."""
        return cls(RetrySchedule(time_scale), Wheel(time_scale), BreakerPolicy(time_scale))
