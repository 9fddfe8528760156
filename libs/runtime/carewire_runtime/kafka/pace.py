"""How soon a consumer hears of new records, and what that costs.

One cycle of fetching costs 0.3-0.5 ms of CPU here and as much in the broker, however little it brings. So
what nobody waits for is fetched a few times a second, and what somebody waits for at once.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pace:
    """When the broker answers a fetch, and how often a batch is taken.

    The broker answers as soon as `min_bytes` are there, at the latest after `max_wait_ms`: with one byte that
    bounds how often an idle consumer asks, and how long a new assignment waits behind the old one's question.
    `tick_s` is the least time from one batch to the next, so that batches form under load; after a quiet time
    there is no wait.
    """

    min_bytes: int
    max_wait_ms: int
    tick_s: float


EAGER: Final = Pace(min_bytes=1, max_wait_ms=1_000, tick_s=0.004)
"""For what a journey waits for."""

LAZY: Final = Pace(min_bytes=64 * 1024, max_wait_ms=500, tick_s=0.0)
"""For logs and the like: half a second later is soon enough."""
