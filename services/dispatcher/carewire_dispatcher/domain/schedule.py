"""When a delivery is tried: 17 attempts in exactly 24 hours, at doubling distances.

Attempt n is due at the first attempt + an offset: 0, 2, 6, 14, ... 65,534 and 86,400 s. The waits between are
2, 4, 8, ... 2^15 s, which sum to 65,534 s = 18.2 h, and the last attempt closes the promised 24 hours
(reference, section 2.3).
"""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import Final, Self

from carewire_contracts.record import record

OFFSETS_S: Final[tuple[int, ...]] = (0, *(2**n - 2 for n in range(2, 17)), 86_400)
LAST_SLOT: Final = len(OFFSETS_S) - 1
JITTER: Final = 0.1
"""The largest part of a step by which an attempt may come sooner. It only subtracts: the horizon stands."""

MOST_ATTEMPTS: Final = 30
"""Attempts in an endpoint's own schedule."""

_HASH_RANGE: Final = 2**32


def schedule_fault(offsets_s: Sequence[int]) -> str | None:
    """Say what keeps some offsets from being a schedule; None where they are one."""
    if not 1 <= len(offsets_s) <= MOST_ATTEMPTS:
        return f"a schedule has from 1 to {MOST_ATTEMPTS} attempts"
    if offsets_s[0] != 0:
        return "a schedule begins with 0, the first attempt"
    if any(later <= earlier for earlier, later in pairwise(offsets_s)):
        return "each attempt comes later than the one before"
    if offsets_s[-1] > OFFSETS_S[-1]:
        return f"the last attempt comes at most {OFFSETS_S[-1]} seconds after the first"
    return None


@record()
class Slot:
    """A place in the schedule, counted from 0, and the moment when it is due."""

    index: int
    due_at: int


@record()
class RetrySchedule:
    """When attempts are due. `time_scale` divides every offset: tests need not wait a day."""

    time_scale: float = 1.0
    offsets_s: tuple[int, ...] = OFFSETS_S

    def of(self, offsets_s: tuple[int, ...] | None) -> Self:
        """Return the schedule of an endpoint: this one, or that of its own offsets."""
        return self if offsets_s is None else type(self)(self.time_scale, offsets_s)

    @property
    def last(self) -> int:
        """The last slot."""
        return len(self.offsets_s) - 1

    def offset(self, index: int) -> int:
        """Milliseconds from the first attempt to slot `index`, without jitter."""
        return round(self.offsets_s[index] * 1000 / self.time_scale)

    def horizon(self, first_attempt_at: int) -> int:
        """Say when the last attempt is."""
        return first_attempt_at + self.offset(self.last)

    def due(self, delivery_id: str, first_attempt_at: int, index: int) -> int:
        """Say when slot `index` of this delivery is due.

        The jitter is a hash of delivery and slot: copies of one record take equal paths, and deliveries that
        failed together don't come back together. The first and the last slot have none.
        """
        due_at = first_attempt_at + self.offset(index)
        if index in (0, self.last):
            return due_at
        step = self.offset(index) - self.offset(index - 1)
        return due_at - int(step * JITTER * _fraction(delivery_id, index))

    def next_attempt(
        self,
        delivery_id: str,
        first_attempt_at: int,
        index: int,
        ended_at: int,
        not_before: int | None = None,
    ) -> Slot | None:
        """Find the slot after an attempt of slot `index` that ended at `ended_at`; None past the last one.

        There is none either where the schedule became shorter meanwhile and has no slot `index` any more. Slots that
        went by during the attempt are skipped. `not_before` (a Retry-After) moves the attempt back, at most to the
        horizon; it never brings one forward.
        """
        for following in range(index + 1, len(self.offsets_s)):
            due_at = self.due(delivery_id, first_attempt_at, following)
            if due_at > ended_at:
                slot = Slot(following, due_at)
                return slot if not_before is None else self._put_off(slot, first_attempt_at, not_before)
        return None

    def _put_off(self, slot: Slot, first_attempt_at: int, not_before: int) -> Slot:
        due_at = min(not_before, self.horizon(first_attempt_at))
        if due_at <= slot.due_at:
            return slot
        reached = (i for i in range(slot.index, len(self.offsets_s)) if first_attempt_at + self.offset(i) <= due_at)
        return Slot(max(reached, default=slot.index), due_at)


def _fraction(delivery_id: str, index: int) -> float:
    digest = blake2b(f"{delivery_id}/{index}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) / _HASH_RANGE
