"""How fast a webhook may be called: the generic cell rate algorithm (ITU-T I.371) as a pure function.

A bucket of `burst` calls that refills at `per_second`, kept as one number: the theoretical arrival time, at which
the bucket would be full again.
"""

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

from carewire_contracts.record import record

_SLACK_S: Final = 1e-6
"""Seconds that a call may come early: rounding must not refuse a caller who keeps exactly to the rate."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many calls a second a webhook takes on average, and how many at once after a pause."""

    per_second: float
    burst: int


@record()
class RateState:
    """What is remembered of earlier calls, in seconds of the caller's clock. A fresh one has a full bucket."""

    full_at_s: float = -math.inf


@record()
class Allowed:
    """The call may go on; `state` is for the next one."""

    state: RateState


@record()
class TooMany:
    """The call is refused and changes nothing; after this many seconds one is allowed again."""

    retry_after_s: float


Arrival: TypeAlias = Allowed | TooMany


def arrive(state: RateState, limit: RateLimit, now_s: float) -> Arrival:
    """Judge one call at `now_s`. A clock that stepped back makes callers wait for one call's share at most."""
    interval = 1 / limit.per_second
    # No honest state lies further ahead: there the bucket is empty, whatever the clock did since.
    full_at = min(max(state.full_at_s, now_s), now_s + limit.burst * interval)
    wait = full_at - (limit.burst - 1) * interval - now_s
    if wait > _SLACK_S:
        return TooMany(wait)
    return Allowed(RateState(full_at + interval))
