"""How often an endpoint may be called: the generic cell rate algorithm (GCRA), in milliseconds.

All that is remembered of earlier calls is one moment: the one until which they have used the rate up.
"""

from math import ceil
from typing import Final

BURST_MS: Final = 100
"""How much of the rate may be used at once. So within any second there are at most a tenth more calls than it says,
and up to ten a second they go out one by one."""


def distance(per_second: float) -> float:
    """Milliseconds between two calls."""
    return 1000 / per_second


def free_at(used_until: float, per_second: float, burst_ms: float = BURST_MS) -> int:
    """Say from when on the next call conforms to the rate, of which `burst_ms` may be used at once."""
    return ceil(used_until - max(0.0, burst_ms - distance(per_second)))


def used(used_until: float, now: int, per_second: float) -> float:
    """Count a call: until when the rate is used up then."""
    return max(used_until, now) + distance(per_second)
