"""How soon a consumer hears of new records, and what that costs.

One cycle of fetching costs 0.3-0.5 ms of CPU here and as much in the broker, however little it brings. So
what nobody waits for is fetched a few times a second, what somebody waits for at once, and what does not come hardly
ever.
"""

import math
from dataclasses import dataclass
from typing import Final

_REMEMBERED_S: Final = 0.5
"""How long a record counts for how many come a second: long enough to tell 50 a second from 100, which is 10 and 20 of
them, each give or take its root; so short that a flow which has dried up is forgotten within two seconds."""
_FAST: Final = 80.0
"""Records a second from which on each may wait for others: within 25 ms come two of them then, which share what a lone
one would cost."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When the broker answers a fetch, and how often a batch is taken.

    The broker answers as soon as `min_bytes` are there, at the latest after `max_wait_ms`: with one byte that
    bounds how often an idle consumer asks, and nothing else.
    `tick_s` is the least time from one batch to the next, so that batches form under load; after a quiet time
    there is no wait.

    With `gather_ms` the broker gathers records for that long from one fetch to the next, while at least `gathers_from`
    a second keep coming. A lone one never waits.
    """

    min_bytes: int
    max_wait_ms: int
    tick_s: float
    gather_ms: int = 0
    gathers_from: float = _FAST


class Flow:
    """How fast records come, by what was taken lately."""

    def __init__(self) -> None:
        self._per_second = 0.0
        self._at = -math.inf

    def took(self, records: int, now: float) -> None:
        """Note how many records were taken at a moment."""
        self._per_second = self.per_second(now) + records / _REMEMBERED_S
        self._at = now

    def per_second(self, now: float) -> float:
        """Records a second; what was taken earlier counts less and less."""
        return self._per_second * math.exp((self._at - now) / _REMEMBERED_S)

    def is_worth_gathering(self, pace: Pace, now: float) -> bool:
        """Whether records come so fast that each may wait for others, where that is wanted."""
        return pace.gather_ms > 0 and self.per_second(now) >= pace.gathers_from


IDLE_WAIT_MS: Final = 5_000
"""An idle consumer costs one fetch in so long. Records end the wait, a stop lets go of it, and so does a new
assignment."""

EAGER: Final = Pace(min_bytes=1, max_wait_ms=IDLE_WAIT_MS, tick_s=0.004)
"""For what a journey waits for."""

GATHERING: Final = Pace(min_bytes=1, max_wait_ms=IDLE_WAIT_MS, tick_s=0.004, gather_ms=70)
"""For what a journey waits for, where a batch costs several times what a record in it does: from 80 a second on,
records wait for each other, 35 ms on average; before that none does. Gathering a hundred a second for 25 ms cost a
third more CPU than for 50 ms, here and in the servers: on a busy machine they then waited longer for the CPU than they
saved."""

LAZY: Final = Pace(min_bytes=1, max_wait_ms=IDLE_WAIT_MS, tick_s=0.0, gather_ms=500, gathers_from=0.0)
"""For logs and the like: half a second later is soon enough for whatever follows something else."""
