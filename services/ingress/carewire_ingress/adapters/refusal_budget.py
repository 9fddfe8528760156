"""How many refused calls of a webhook go to the request log, so that nobody can fill the disk.

The budget refills evenly; after quiet times a whole minute's share may be spent at once. Beyond it calls are
answered as ever and counted.
"""

from carewire_ingress.adapters.rate_limits import RateLimits
from carewire_ingress.domain.rate import RateLimit
from carewire_runtime.clock import Clock
from carewire_runtime.telemetry import metrics

_MINUTE_S = 60


class RefusalBudget:
    """REJECTED and TEST requests of each webhook, `per_minute` of either; a flood of one leaves the other alone."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._limit = RateLimit(per_minute / _MINUTE_S, per_minute)
        self._spent = RateLimits(clock)

    def allows(self, webhook_id: str, reason: str, *, is_test: bool) -> bool:
        """Whether a refused call is to be logged; counted by its first reason where it is not."""
        if self._spent.wait(webhook_id, self._limit, is_test=is_test) is None:
            return True
        metrics.REFUSED_NOT_LOGGED.add(status="TEST" if is_test else "REJECTED", reason=reason)
        return False

    def forget(self, webhook_id: str) -> None:
        """Keep nothing of a webhook that is deleted."""
        self._spent.forget(webhook_id)
