"""Drop copies of a delivery record.

A worker that is killed between writing a record's next hop and committing reads the record again, and writes the next
hop twice. Hops only grow, so whatever comes of a delivery at a hop at which it, or a later self, was seen before is
left over from another life, and ends there. A newer epoch supersedes an older one in the same way.
"""

from collections import OrderedDict
from typing import Final

DEFAULT_CAPACITY: Final = 50_000
"""Deliveries remembered: copies are one restart apart, seconds to minutes; at 500 deliveries a second this is 100 s.
One costs about 250 bytes, so 12 MB."""
_HOP_BITS: Final = 32
"""Of a place, which is an epoch and a hop: how far a delivery has come. As one number, that for nearly all of them is
a small one: as pairs these would be what keeps the collector of garbage busiest."""


class ForkCollapse:
    """Remembers how far each delivery has come, the one that was heard of longest ago forgotten first."""

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self._capacity = capacity
        # A plain dict keeps the places of what was deleted at its front, and looks through them for its first key.
        self._seen: OrderedDict[str, int] = OrderedDict()

    def is_copy(self, delivery_id: str, epoch: int, hop: int) -> bool:
        """Whether the delivery came by at this place or beyond it before; from now on it did."""
        place, seen = _place(epoch, hop), self._seen.pop(delivery_id, None)
        is_copy = seen is not None and place <= seen
        self._remember(delivery_id, seen if seen is not None and is_copy else place)
        return is_copy

    def expect(self, delivery_id: str, epoch: int, hop: int) -> None:
        """Learn that the delivery's record of this place exists: all earlier ones are copies, this one is not."""
        place, seen = _place(epoch, hop - 1), self._seen.pop(delivery_id, None)
        self._remember(delivery_id, place if seen is None else max(seen, place))

    def is_superseded(self, delivery_id: str, epoch: int) -> bool:
        """Whether a newer epoch of the delivery came by since: an older one that waited meanwhile is let go."""
        seen = self._seen.get(delivery_id)
        return seen is not None and epoch < seen >> _HOP_BITS

    def _remember(self, delivery_id: str, place: int) -> None:
        self._seen[delivery_id] = place
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)


def _place(epoch: int, hop: int) -> int:
    return (epoch << _HOP_BITS) + hop + 1
