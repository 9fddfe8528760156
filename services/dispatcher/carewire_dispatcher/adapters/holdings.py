"""What a worker keeps in memory of each endpoint, and of deliveries that are not due for a moment."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from carewire_dispatcher.adapters.source import Source
from carewire_dispatcher.domain.breaker import Breaker
from carewire_dispatcher.domain.decide import Load
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.standing import UNKNOWN, Standing


@dataclass(slots=True, eq=False)
class Item:
    """A delivery at work, and the record that may finish when it is done."""

    source: Source
    offset: int
    delivery: Delivery


@dataclass(slots=True)
class EndpointWork:
    """What goes on for an endpoint, or a shard of it: attempts under way, what waits for a place or for its time."""

    in_flight: int = 0
    waiting: int = 0
    queue: deque[Item] = field(default_factory=deque)
    is_pulled: bool = False
    standing: Standing = UNKNOWN
    _whole: Endpoint | None = None
    _part: Endpoint | None = None

    def part_of(self, endpoint: Endpoint | None, shard: int) -> Endpoint | None:
        """Return the endpoint as this work's shard sees it."""
        if endpoint is None or endpoint.shards == 1:
            return endpoint
        if self._whole is not endpoint:
            self._whole, self._part = endpoint, endpoint.part(shard)
        return self._part

    def load(self, queued: int, *, is_crowded: bool = False, is_strained: bool = False) -> Load:
        """The work as `decide` looks at it for a delivery behind `queued` others, and how the worker is placed."""
        return Load(self.in_flight, self.waiting, queued, self.standing, is_crowded, is_strained)


class Holdings:
    """The work of all endpoints, and the deliveries held until a moment.

    `breaker_of` tells what was known of an endpoint when it was another's.
    """

    def __init__(self, breaker_of: Callable[[str], Breaker | None] = lambda _: None) -> None:
        self._breaker_of = breaker_of
        self._work: dict[str, EndpointWork] = {}
        self._held: list[tuple[int, int, Item]] = []
        self._order = itertools.count()

    def of(self, key: str) -> EndpointWork:
        """Return the work under one key: that of an endpoint, or of a shard."""
        work = self._work.get(key)
        if work is None:
            work = self._work[key] = EndpointWork()
            breaker = self._breaker_of(key)
            if breaker is not None:
                work.standing = Standing(breaker)
        return work

    @property
    def open_breakers(self) -> int:
        """How many endpoints are left alone for failing."""
        return sum(work.standing.breaker.is_open for work in self._work.values())

    def hold(self, item: Item, until: int) -> None:
        """Keep a delivery until a moment."""
        self.of(item.delivery.key).waiting += 1
        heapq.heappush(self._held, (until, next(self._order), item))

    def due(self, now: int) -> Iterator[Item]:
        """Give back, one by one, what was held until now or earlier."""
        while self._held and self._held[0][0] <= now:
            _, _, item = heapq.heappop(self._held)
            self.of(item.delivery.key).waiting -= 1
            yield item

    def next_due(self) -> int | None:
        """Say when the next held delivery is due."""
        return self._held[0][0] if self._held else None
