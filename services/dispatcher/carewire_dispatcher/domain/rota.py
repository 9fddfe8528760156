"""Whose records are taken next, when more are ripe than can be taken at once.

Fast before bulk, which gets at most an eighth of a turn; within a lane everyone in turn, so that no partition's backlog
keeps another waiting. Those whose first record is not ripe yet sleep until it is.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, Generic, Protocol, TypeVar

from carewire_contracts.topics import LANES, Lane

TURN: Final = 40
"""Records that are taken before other work gets its turn: to take, to sign and to send so many costs two milliseconds,
which is what an answer may have to wait. With 25 a record costs a tenth more."""
BULK_SHARE: Final = 5
"""Of these at most so many are of the bulk lane, also while fast has none: its attempts may be under way, and wait for
the event loop then."""
_AT_ONCE: Final = 5
"""Records that are taken of one source before the next one is looked at."""


class Taken(Protocol):
    """Something that records are taken of, one after the other."""

    @property
    def lane(self) -> Lane:
        """The lane that it belongs to."""
        ...

    @property
    def is_empty(self) -> bool:
        """Whether there is no record."""
        ...

    @property
    def is_stuck(self) -> bool:
        """Whether none may be taken until earlier ones are finished."""
        ...

    def ripe_at(self) -> int:
        """Say when the first record's time comes; only asked where there is one."""
        ...

    def is_ripe(self, now: int) -> bool:
        """Whether a record may be taken."""
        ...


S = TypeVar("S", bound=Taken)


class Rota(Generic[S]):
    """Keeps those that have records, and takes turns."""

    def __init__(self) -> None:
        self._awake: dict[Lane, deque[S]] = {lane: deque() for lane in LANES}
        self._asleep: list[tuple[int, int, S]] = []
        self._stuck: set[S] = set()
        self._known: set[S] = set()
        self._order = itertools.count()

    def offer(self, source: S) -> None:
        """Look at a source: it has got records, or is stuck no longer."""
        if source not in self._known or source in self._stuck:
            self._known.add(source)
            self._stuck.discard(source)
            self._awake[source.lane].append(source)

    def leaves_aside(self, source: S) -> bool:
        """Whether it was found to be stuck, and is not looked at until it is offered again."""
        return source in self._stuck

    def wakes_at(self) -> int | None:
        """Say when the next record will be ripe of those that are not."""
        return self._asleep[0][0] if self._asleep else None

    def behind(self, lane: Lane) -> Iterator[S]:
        """Go through those of a lane that may have ripe records, stuck ones included."""
        yield from self._awake[lane]
        yield from (source for source in self._stuck if source.lane == lane)

    def turn(self, now: int, take: Callable[[S], None], room: int = TURN, bulk_room: int = TURN) -> int:
        """Call `take` for ripe records, for at most `room`, and `bulk_room` of bulk. Returns for how many."""
        self._wake(now)
        turn = min(TURN, room)
        bulk_share = turn * BULK_SHARE // TURN
        fast = self._take("fast", turn - bulk_share, now, take)
        share = bulk_share if self._awake["fast"] else BULK_SHARE
        bulk = self._take("bulk", min(turn - fast, share, bulk_room), now, take)
        return fast + bulk + self._take("fast", turn - fast - bulk, now, take)

    def _wake(self, now: int) -> None:
        while self._asleep and self._asleep[0][0] <= now:
            _, _, source = heapq.heappop(self._asleep)
            self._awake[source.lane].append(source)

    def _take(self, lane: Lane, most: int, now: int, take: Callable[[S], None]) -> int:
        awake, taken = self._awake[lane], 0
        while awake and taken < most:
            source = awake.popleft()
            limit = min(most, taken + _AT_ONCE)
            while taken < limit and source.is_ripe(now):
                take(source)
                taken += 1
            self._put_back(source, now)
        return taken

    def _put_back(self, source: S, now: int) -> None:
        if source.is_empty:
            self._known.discard(source)
        elif source.is_stuck:
            self._stuck.add(source)
        elif (ripe_at := source.ripe_at()) > now:
            heapq.heappush(self._asleep, (ripe_at, next(self._order), source))
        else:
            self._awake[source.lane].append(source)
