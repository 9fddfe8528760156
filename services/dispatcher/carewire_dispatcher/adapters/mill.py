"""The mill: takes what is ripe from the sources, asks `decide`, and does as it says.

It holds no policy. Whatever it starts runs as a task of its own, so no endpoint keeps another waiting; a
record's offset finishes when all that it led to was acknowledged. One slot is one such task.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from carewire_dispatcher.adapters.attempter import Attempter
from carewire_dispatcher.adapters.delivery_writer import DeliveryWriter
from carewire_dispatcher.adapters.holdings import EndpointWork, Holdings, Item
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.source import Source
from carewire_dispatcher.domain.classify import Retry
from carewire_dispatcher.domain.decide import Attempt, Drop, Forward, Hold, Queue, decide
from carewire_dispatcher.domain.delivery import Delivery, UnreadableDelivery
from carewire_dispatcher.domain.ending import End
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.fork_collapse import ForkCollapse
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_dispatcher.domain.tiers import Wheel
from carewire_runtime.clock import Clock
from carewire_runtime.telemetry import metrics

SLOTS: Final = 2000
"""Tasks at a time: 120 endpoints that hang at their cap of 16 still leave room. A task with its connection is
some 50 KB, so 100 MB in all."""

UNREADABLE: Final = "unreadable_delivery"

_TURN: Final = 100
"""Records that are taken before other tasks get their turn."""

Bury = Callable[[Any, str], Coroutine[Any, Any, None]]
"""Puts a record that cannot be read aside, with a reason."""


class Mill:
    """Works through the sources of one tenure until it is cancelled.

    `in_flight` attempts are under way; `read` records were deliveries; `failed` ends with what went wrong.
    """

    def __init__(
        self,
        endpoints: Callable[[str], Endpoint | None],
        attempter: Attempter,
        writer: DeliveryWriter,
        wheel: Wheel,
        clock: Clock,
        bury: Bury,
    ) -> None:
        self._endpoints = endpoints
        self._attempter = attempter
        self._writer = writer
        self._wheel = wheel
        self._clock = clock
        self._bury = bury
        self._holdings = Holdings()
        self._copies = ForkCollapse()
        self._busy: dict[Source, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._awake = asyncio.Event()
        self._draining = False
        self.in_flight = 0
        self.read = 0
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    def offer(self, source: Source) -> None:
        """Look at a source: records were put into its buffer."""
        self._busy[source] = None
        self._awake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._awake.clear()
            now = millis(self._clock)
            self._release(now)
            if self._take(now):
                await asyncio.sleep(0)
            else:
                await self._idle(now)

    async def drain(self, deadline_s: float) -> None:
        """Give what is under way some time to end, then cancel it; what is held or queued is simply left.

        `run` has been cancelled before.
        """
        self._draining = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=deadline_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def oldest_due(self, lane: str, now: int) -> float | None:
        """Say for how many seconds the oldest ripe record of a lane has been waiting in its buffer."""
        ripe = [source.ripe_at() for source in self._busy if source.lane == lane and not source.is_empty]
        return max(0, now - min(ripe)) / 1000 if ripe else None

    def _release(self, now: int) -> None:
        if len(self._tasks) < SLOTS:
            for item in self._holdings.due(now):
                self._settle(item, now)
                if len(self._tasks) >= SLOTS:
                    return

    def _take(self, now: int) -> bool:
        """Take one turn's worth of ripe records. Returns whether there may be more."""
        taken = 0
        for source in sorted(self._busy, key=_fast_first):
            while source.is_ripe(now):
                if taken >= _TURN or len(self._tasks) >= SLOTS:
                    return len(self._tasks) < SLOTS
                taken += 1
                self._begin(source, now)
            if source.is_empty:
                del self._busy[source]
        return False

    async def _idle(self, now: int) -> None:
        """Wait until woken or until the next moment at which something becomes ripe or due."""
        moments = [source.ripe_at() for source in self._busy]
        held = self._holdings.next_due()
        if held is not None:
            moments.append(held)
        # What is ripe and was left waits for a slot or for its window, and whoever frees one wakes us.
        moments = [moment for moment in moments if moment > now]
        if not moments:
            await self._awake.wait()
            return
        loop = asyncio.get_running_loop()
        alarm = loop.call_later((min(moments) - now) / 1000, self._awake.set)
        try:
            await self._awake.wait()
        finally:
            alarm.cancel()

    def _begin(self, source: Source, now: int) -> None:
        record = source.take()
        if record is None:
            return
        try:
            delivery = Delivery.of(record.key, record.value, record.headers)
        except UnreadableDelivery:
            self._spawn(self._put_aside(source, record))
            return
        self.read += 1
        item = Item(source, record.offset, delivery)
        self._settle(item, now, is_copy=self._copies.is_copy(delivery.fork_key))

    def _settle(self, item: Item, now: int, *, is_copy: bool = False) -> None:
        """Decide about a delivery, and begin to do so."""
        endpoint = self._endpoints(item.delivery.endpoint_id)
        work = self._holdings.of(item.delivery.endpoint_id)
        decision = decide(now, item.delivery, endpoint, work.load, self._wheel, is_copy=is_copy)
        match decision:
            case Attempt() if endpoint is not None:
                work.in_flight += 1
                self._spawn(self._attempt(item, endpoint, work))
            case Queue():
                work.queue.append(item)
            case Hold(until):
                self._holdings.hold(item, until)
            case Forward(tier, delivery):
                if endpoint is not None and delivery.due_at != item.delivery.due_at:
                    work.pace = work.pace.diverted(delivery.due_at, endpoint.concurrency)
                self._spawn(self._forward(item, tier, delivery))
            case End():
                self._spawn(self._end(item, decision))
            case Drop():
                metrics.DELIVERIES_DUPLICATE.add()
                self._finish(item)

    async def _attempt(self, item: Item, endpoint: Endpoint, work: EndpointWork) -> None:
        self.in_flight += 1
        try:
            trial = await self._attempter.attempt(item.source.lane, item.delivery, endpoint)
        finally:
            self.in_flight -= 1
            work.in_flight -= 1
        work.pace = work.pace.observed(trial.duration)
        self._pull(work, trial.entry.at)
        lane, partition = item.source.lane, item.source.place.partition
        if isinstance(trial.verdict, Retry):
            slot = trial.verdict.slot
            tier = self._wheel.tier_for(slot.due_at - trial.entry.at)
            following = trial.delivery.retried(slot.index, slot.due_at)
            await self._writer.log_and_forward(trial.entry, lane, partition, tier, following)
        else:
            metrics.DELIVERIES.add(outcome=str(trial.verdict.status))
            await self._writer.log(trial.entry)
        self._finish(item)

    def _pull(self, work: EndpointWork, now: int) -> None:
        """Settle what queued at an endpoint, as long as it has places (or none are needed any more)."""
        # An attempt that began now would be cut off at once, and made again by whoever is next.
        while work.queue and not self._draining:
            endpoint = self._endpoints(work.queue[0].delivery.endpoint_id)
            if endpoint is not None and work.in_flight >= endpoint.concurrency:
                return
            self._settle(work.queue.popleft(), now)

    async def _forward(self, item: Item, tier: int, delivery: Delivery) -> None:
        await self._writer.forward(item.source.lane, item.source.place.partition, tier, delivery)
        self._finish(item)

    async def _end(self, item: Item, end: End) -> None:
        metrics.DELIVERIES.add(outcome=str(end.status))
        await self._writer.log(LogEntry.of(item.delivery, end, millis(self._clock)))
        self._finish(item)

    async def _put_aside(self, source: Source, record: Any) -> None:
        await self._bury(record, UNREADABLE)
        self._finished(source, record.offset)

    def _finish(self, item: Item) -> None:
        self._finished(item.source, item.offset)

    def _finished(self, source: Source, offset: int) -> None:
        was_full = source.tracker.full
        source.tracker.finish(offset)
        if was_full:
            self._awake.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        was_full = len(self._tasks) >= SLOTS
        self._tasks.discard(task)
        if was_full:
            self._awake.set()
        if not task.cancelled() and (error := task.exception()) is not None and not self.failed.done():
            self.failed.set_result(error)


def _fast_first(source: Source) -> bool:
    return source.lane != "fast"
