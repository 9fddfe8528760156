"""One partition of a lane or of a tier, as its worker sees it: what was drained, and what of it is finished."""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from aiokafka import TopicPartition

from carewire_contracts.topics import Lane
from carewire_runtime.kafka.offsets import OffsetTracker

WINDOW: Final = 8000
"""Offsets that may lie between the first unfinished record and the newest. An attempt may hang for 10 s, and behind it
its partition goes on meanwhile, by 800 records a second. As a bitmap they are 1,334 characters of the 4,096 that Kafka
allows."""
STRAINED: Final = 1000
"""From here on nothing more queues for places: it would take window and memory from others."""

DRAIN_RECORDS: Final = 1000
"""What one drain of a consumer brings at most. Of a lane all of it is taken, also beyond the bound of its buffer:
otherwise some of a backlog would be fetched twice."""
LANE_RECORDS: Final = 400
"""What a worker works through in 40 ms, by when the next fetch is here. What lies here for longer has left the
processor's caches when its turn comes: with 1,000 a backlog cost a twentieth more than with 200."""
QUICK_TIER_RECORDS: Final = 500
SLOW_TIER_RECORDS: Final = 64
SLOW_TIER: Final = 128
"""From this tier on only a few heads are kept: their records come due long after they were fetched."""


class Source:
    """A buffer in front of one partition. Records leave it in order, each not before its delay is over.

    `tier` is None for a lane's own topic, whose records are never delayed. `byte_limit` bounds the buffer
    beside the number of records; one record always fits.
    """

    def __init__(self, place: TopicPartition, lane: Lane, tier: int | None, delay: int, byte_limit: int) -> None:
        self.place = place
        self.lane = lane
        self.tier = tier
        self.tracker = OffsetTracker(WINDOW)
        self.committed: tuple[int, str] | None = None
        self.purged = 0
        self._delay = delay
        self._buffer: deque[Any] = deque()
        self._bytes = 0
        self._byte_limit = byte_limit
        self._record_limit = _record_limit(tier)
        self._most_records = LANE_RECORDS + DRAIN_RECORDS if tier is None else self._record_limit

    @property
    def is_slow(self) -> bool:
        """Whether records wait here for minutes or longer."""
        return self.tier is not None and self.tier >= SLOW_TIER

    def restore(self, offset: int, metadata: str) -> None:
        """Go on from what was committed."""
        self.tracker.restore(offset, metadata)
        self.committed = (offset, metadata)

    def put(self, records: Sequence[Any]) -> int | None:
        """Take drained records over, as many as fit. Returns the offset of the first that did not."""
        for record in records:
            if self._buffer and (len(self._buffer) >= self._most_records or self._bytes >= self._byte_limit):
                return int(record.offset)
            self._buffer.append(record)
            self._bytes += _size(record)
        return None

    @property
    def full(self) -> bool:
        """Whether no further record should be fetched."""
        return len(self._buffer) >= self._record_limit or self._bytes >= self._byte_limit

    @property
    def wants_more(self) -> bool:
        """Whether a paused source should be fetched again: half empty, or of a slow one the last head gone.

        Were it asked for as soon as one record fits, each fetch would bring what must be thrown away again; but
        where that is taken it is asked for at once.
        """
        if self.is_slow:
            return not self._buffer
        records = len(self._buffer) if self.tier is None else len(self._buffer) * 2
        return records < self._record_limit and self._bytes * 2 <= self._byte_limit

    @property
    def is_empty(self) -> bool:
        """Whether nothing is buffered."""
        return not self._buffer

    def ripe_at(self) -> int:
        """Say when the head leaves. Only for a source that isn't empty."""
        return int(self._buffer[0].timestamp) + self._delay

    @property
    def is_stuck(self) -> bool:
        """Whether the window has no room for the head."""
        return self.tracker.full

    def is_ripe(self, now: int) -> bool:
        """Whether there is a head, its delay is over, and the window has room for it."""
        return bool(self._buffer) and self.ripe_at() <= now and not self.is_stuck

    @property
    def is_strained(self) -> bool:
        """Whether so much of the window is taken that deliveries of one endpoint should not queue for places."""
        return self.tracker.span >= STRAINED

    def take(self) -> Any | None:
        """Remove the head and start it; None where it had been finished before a restart."""
        record = self._buffer.popleft()
        self._bytes -= _size(record)
        return record if self.tracker.start(record.offset) else None


def _record_limit(tier: int | None) -> int:
    if tier is None:
        return LANE_RECORDS
    return SLOW_TIER_RECORDS if tier >= SLOW_TIER else QUICK_TIER_RECORDS


def _size(record: Any) -> int:
    return len(record.value or b"") + 500  # a record's key, headers and object
