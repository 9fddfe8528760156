"""The broker's clock, learned from the append times of its acknowledgements.

A record's `expires-at` is compared with the time at which the broker appended it, so it must be written in the
broker's time: then a skewed clock of ours expires nothing. Our side is measured by a monotonic clock, so a step
of our wall clock changes nothing either.

Each acknowledgement bounds the offset: the append happened between sending and acknowledging (Cristian's
algorithm). Bounds are intersected; when they contradict each other, a clock drifted or stepped, and the newest
bounds alone hold.
"""

from typing import Final

_APPEND_TIME_RESOLUTION: Final = 0.001
"""Append times are cut to whole milliseconds."""


class BrokerClock:
    """Offset between the broker's wall clock and our monotonic clock, in seconds. Unknown until an ack is seen."""

    __slots__ = ("_high", "_low")

    def __init__(self) -> None:
        self._low: float | None = None
        self._high: float = 0.0

    @property
    def is_known(self) -> bool:
        """Whether any acknowledgement was seen."""
        return self._low is not None

    def observe(self, sent: float, acknowledged: float, appended_ms: int) -> None:
        """Learn from one acknowledgement: monotonic seconds around it, and the broker's append time."""
        appended = appended_ms / 1000
        low, high = appended - acknowledged, appended - sent + _APPEND_TIME_RESOLUTION
        if self._low is None or low > self._high or high < self._low:
            self._low, self._high = low, high
        else:
            self._low, self._high = max(low, self._low), min(high, self._high)

    def milliseconds_at(self, monotonic: float) -> int:
        """The broker's time at a moment of our monotonic clock, in milliseconds since 1970, as it stamps records.

        Raises ValueError while it is unknown.
        """
        if self._low is None:
            raise ValueError("no acknowledgement was seen yet")
        return int((monotonic + (self._low + self._high) / 2) * 1000)
