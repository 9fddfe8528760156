"""How fast each webhook is called, and how fast it may be.

What was called is known to this process alone: N replicas let a webhook have up to N times its rate. Asking a
shared store at each call would cost more than receiving it, and the limit protects from floods, not from fractions.
"""

from carewire_ingress.domain.rate import RateLimit, RateState, TooMany, arrive
from carewire_runtime.clock import Clock


class RateLimits:
    """One bucket for each webhook's calls, and one for its tests, which take nothing away from the calls."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._states: dict[tuple[str, bool], RateState] = {}

    def wait(self, webhook_id: str, limit: RateLimit | None, *, is_test: bool) -> float | None:
        """The seconds that a call comes too early; None where it may go on, and has been counted."""
        if limit is None:
            return None
        key = webhook_id, is_test
        arrival = arrive(self._states.get(key, _FULL), limit, self._clock.monotonic())
        if isinstance(arrival, TooMany):
            return arrival.retry_after_s
        self._states[key] = arrival.state
        return None

    def forget(self, webhook_id: str) -> None:
        """Keep nothing of a webhook that is deleted."""
        for is_test in (False, True):
            self._states.pop((webhook_id, is_test), None)


_FULL = RateState()
