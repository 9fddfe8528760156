"""Drop copies of a delivery record.

A worker that is killed between writing a record's next hop and committing reads the record again and writes
the next hop twice. The two copies have equal (delivery id, epoch, hop) and equal due times, so they come
by again one restart apart; the second of them ends there.
"""

from typing import Final

DEFAULT_CAPACITY: Final = 50_000
"""Keys remembered: copies are one restart apart, seconds to minutes; at 500 records a second this is 100 s.
A key costs about 200 bytes, so 10 MB."""


class ForkCollapse:
    """Remembers the records that came by, the oldest forgotten first."""

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self._capacity = capacity
        self._seen: dict[tuple[str, int, int], None] = {}

    def is_copy(self, key: tuple[str, int, int]) -> bool:
        """Whether a record with this key came by before; from now on it did."""
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > self._capacity:
            del self._seen[next(iter(self._seen))]
        return False
