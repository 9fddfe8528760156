"""Whether Kafka acknowledges: the one question before a call is let in.

A record that was handed to the producer cannot be taken back, and may be appended long after its sender was told
503. So nothing is handed over while earlier records wait for too long, after one failed, or while too many wait.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

PATIENCE_S: Final = 2.0
"""How long the oldest record may wait before new calls are turned away: far above a healthy acknowledgement
(some ms) and a leader's failover (about 1 s), below the 5 s after which its own call is answered 503."""


class Acknowledgements:
    """Records that wait for Kafka, by ticket. Times are monotonic seconds."""

    __slots__ = ("_failing", "_limit", "_next", "_waiting")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: OrderedDict[int, float] = OrderedDict()
        self._next = 0
        self._failing = True

    @property
    def waiting(self) -> int:
        """How many records wait, those included whose call gave up."""
        return len(self._waiting)

    def sent(self, now: float) -> int:
        """Note a record that was handed over; returns its ticket."""
        self._next += 1
        self._waiting[self._next] = now
        return self._next

    def settled(self, tickets: Iterable[int], *, acknowledged: bool | None) -> None:
        """Note how records ended together; None where that says nothing about Kafka (the records were at fault)."""
        forget = self._waiting.pop
        for ticket in tickets:
            forget(ticket, None)
        if acknowledged is not None:
            self._failing = not acknowledged

    def abandoned(self) -> None:
        """Note that nothing waits any more, because the producer is gone."""
        self._waiting.clear()
        self._failing = True

    def oldest_wait(self, now: float) -> float:
        """Seconds that the oldest record has waited; 0 where none waits."""
        return now - next(iter(self._waiting.values())) if self._waiting else 0.0

    def is_flowing(self, now: float) -> bool:
        """Whether a new record may be handed over. False before the first acknowledgement."""
        if self._failing or len(self._waiting) >= self._limit:
            return False
        return now - next(iter(self._waiting.values()), now) < PATIENCE_S
