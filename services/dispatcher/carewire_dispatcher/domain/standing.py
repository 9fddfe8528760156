"""What a worker has learnt of one endpoint: how it does, how fast it is, and how much of its rate is used."""

from typing import Final, Self

from carewire_contracts.record import record
from carewire_dispatcher.domain import rate
from carewire_dispatcher.domain.breaker import CLOSED, Breaker, BreakerPolicy
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.pacing import UNKNOWN_PACE, Pace

ASKING_MS: Final = 10
"""How far apart deliveries come again to ask whether their endpoint is called once more. A backlog costs a hundred
records a second then, or a percent of a core, and is back within minutes after a recovery."""


@record()
class Standing:
    """An endpoint's breaker, pace, and the moment until which its rate is used up."""

    breaker: Breaker = CLOSED
    pace: Pace = UNKNOWN_PACE
    rate_used_until: float = 0.0

    def called(self, now: int, endpoint: Endpoint) -> Self:
        """Note that an attempt begins."""
        if endpoint.rate_per_s is None:
            return self
        used = rate.used(self.rate_used_until, now, endpoint.rate_per_s)
        return type(self)(self.breaker, self.pace, used)

    def put_off(self, slot: int, endpoint: Endpoint) -> Self:
        """Note that a delivery was put off to `slot`: the next one comes after it."""
        distance = self.pace.interval(endpoint.concurrency)
        if self.breaker.is_open:
            distance = max(distance, ASKING_MS)
        if endpoint.rate_per_s is not None:
            distance = max(distance, round(rate.distance(endpoint.rate_per_s)))
        return type(self)(self.breaker, self.pace.diverted(slot, distance), self.rate_used_until)

    def learnt(self, started_at: int, ended_at: int, policy: BreakerPolicy, *, delivered: bool) -> Self:
        """Learn from an attempt. When the breaker closes, the line of those that were put off is forgotten."""
        breaker = policy.judged(self.breaker, started_at, ended_at, delivered=delivered)
        pace = self.pace.observed(max(0, ended_at - started_at))
        if self.breaker.is_open and not breaker.is_open:
            pace = Pace(pace.mean_duration)
        return type(self)(breaker, pace, self.rate_used_until)


UNKNOWN: Final = Standing()
"""The standing of an endpoint not yet tried."""
