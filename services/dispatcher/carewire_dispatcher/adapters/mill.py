"""The mill: takes what is ripe from the sources, asks `decide`, and does as it says.

It holds no policy. Calls wait for nobody, so no endpoint keeps another waiting; those that begin in a turn of the
event loop are prepared together, and those that are over in a turn are judged together, step by step. A record's offset
finishes when all that it led to was acknowledged.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final

from carewire_contracts.topics import Lane
from carewire_dispatcher.adapters.attempter import Attempter
from carewire_dispatcher.adapters.byte_budget import ByteBudget
from carewire_dispatcher.adapters.delivery_writer import DeliveryWriter
from carewire_dispatcher.adapters.holdings import EndpointWork, Holdings, Item
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.record_ends import RecordEnds
from carewire_dispatcher.adapters.sender import Carried
from carewire_dispatcher.adapters.slots import Slots
from carewire_dispatcher.adapters.source import Source
from carewire_dispatcher.adapters.trial import Prepared, Trial
from carewire_dispatcher.domain.breaker import Breaker
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_dispatcher.domain.decide import Attempt, Decision, Divert, Drop, Forward, Hold, Move, Queue, decide
from carewire_dispatcher.domain.delivery import Delivery, UnreadableDelivery
from carewire_dispatcher.domain.ending import End
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.fork_collapse import ForkCollapse
from carewire_dispatcher.domain.log_entry import DeliveryStatus, LogEntry
from carewire_dispatcher.domain.policy import Policy
from carewire_dispatcher.domain.rota import Rota
from carewire_runtime.clock import Clock
from carewire_runtime.http.turn import Turn
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

UNREADABLE: Final = "unreadable_delivery"
PULLED_AT_ONCE: Final = 10
"""Deliveries of one endpoint's queue that are settled in a turn of the event loop. When an endpoint is found to hang, a
thousand may have to be put off, and those of others need not wait for all of them."""
RELEASED_AT_ONCE: Final = 25
"""Deliveries whose moment has come that are settled in a turn: after a stall thousands may be due."""
FAST_RESTS_MS: Final = 1_000
"""So long after its last record the fast lane is taken to be idle."""

Bury = Callable[[Any, str], Coroutine[Any, Any, None]]
"""Puts a record that cannot be read aside, with a reason."""

_log: Final = logger("worker")


@dataclass(slots=True, eq=False)
class _UnderWay:
    """An attempt from the decision to make it until what came of it is written."""

    item: Item
    endpoint: Endpoint
    work: EndpointWork
    carried: Carried | None = None
    is_given_up: bool = False

    def give_up(self) -> None:
        """End its call, where it is not over; nothing follows from it any more."""
        self.is_given_up = True
        if self.carried is not None:
            self.carried.give_up()


_Over = tuple[_UnderWay, Prepared, Answer | Failure, int]
"""An attempt, its call, what came of it, and when."""


class Mill:
    """Works through the sources of one tenure until it is cancelled.

    `read` records were deliveries; `failed` ends with what went wrong.
    """

    def __init__(
        self,
        endpoints: Callable[[str], Endpoint | None],
        breaker_of: Callable[[str], Breaker | None],
        attempter: Attempter,
        writer: DeliveryWriter,
        policy: Policy,
        clock: Clock,
        bury: Bury,
        made_anew: Callable[[Delivery], bool] = lambda _: False,
    ) -> None:
        self._endpoints = endpoints
        self._attempter = attempter
        self._tell_health = writer.tell_health
        self._policy = policy
        self._clock = clock
        self._bury = bury
        self._made_anew = made_anew
        self._holdings = Holdings(breaker_of)
        self._rota: Rota[Source] = Rota()
        self._awake = asyncio.Event()
        self._slots = Slots(self._awake.set)
        self._bytes = ByteBudget(self._awake.set)
        self._ends = RecordEnds(writer, self._slots, policy.wheel, clock, self._finish)
        self._begun: list[_UnderWay] = []
        self._over: Turn[_Over] = Turn(self._conclude_all)
        self._draining = False
        self._fast_at = 0
        self.copies = ForkCollapse()
        self.read = 0
        self.failed = self._slots.failed

    @property
    def in_flight(self) -> int:
        """How many attempts are under way."""
        return self._slots.calls

    @property
    def open_breakers(self) -> int:
        """How many endpoints are left alone for failing."""
        return self._holdings.open_breakers

    @property
    def _is_crowded(self) -> bool:
        return self._slots.is_crowded or self._bytes.is_crowded

    def offer(self, source: Source) -> None:
        """Look at a source: records were put into its buffer."""
        self._rota.offer(source)
        self._awake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._awake.clear()
            now = millis(self._clock)
            released = self._release(now)
            room = min(self._slots.free, self._bytes.room)
            fresh: list[tuple[Source, Any]] = []
            taken = self._rota.turn(now, partial(_take, fresh), room, self._room_for_bulk(now))
            self._begin(fresh, now)
            if taken or released:
                await asyncio.sleep(0)
            else:
                await self._idle(now)

    def _room_for_bulk(self, now: int) -> int:
        if self._bytes.is_crowded:
            return 0
        return self._slots.free_for_bulk(beside_fast=now - self._fast_at < FAST_RESTS_MS)

    async def drain(self, deadline_s: float) -> None:
        """Give what is under way some time to end, then cancel it; what is held or queued is simply left.

        `run` has been cancelled before.
        """
        self._draining = True
        await self._slots.drain(deadline_s)

    def oldest_due(self, lane: Lane, now: int) -> float | None:
        """Say for how many seconds the oldest ripe record of a lane has been waiting in its buffer."""
        ripe = [source.ripe_at() for source in self._rota.behind(lane) if not source.is_empty]
        return max(0, now - min(ripe)) / 1000 if ripe else None

    def _release(self, now: int) -> int:
        """Settle some of those whose moment has come; returns how many."""
        released = 0
        for item in islice(self._holdings.due(now), max(0, min(RELEASED_AT_ONCE, self._slots.free))):
            self._settle(item, now, is_copy=self._is_superseded(item.delivery))
            released += 1
        self._call_all()
        return released

    async def _idle(self, now: int) -> None:
        """Wait until woken or until the next moment at which something becomes ripe or due."""
        # What is ripe and was left waits for a slot or for its window, and whoever frees one wakes us.
        moments = [at for at in (self._rota.wakes_at(), self._holdings.next_due()) if at is not None and at > now]
        if not moments:
            await self._awake.wait()
            return
        loop = asyncio.get_running_loop()
        alarm = loop.call_later((min(moments) - now) / 1000, self._awake.set)
        try:
            await self._awake.wait()
        finally:
            alarm.cancel()

    def _begin(self, fresh: Sequence[tuple[Source, Any]], now: int) -> None:
        """Read what was taken in a turn, and only then settle it.

        Step by step for all of them: the code of all steps, one after the other, is more than the processor keeps at
        hand, and for each by itself it would be fetched anew.
        """
        items = [item for source, record in fresh if (item := self._read(source, record, now)) is not None]
        for item in items:
            delivery = item.delivery
            is_copy = self.copies.is_copy(delivery.id, delivery.epoch, delivery.hop) or self._made_anew(delivery)
            self._settle(item, now, is_copy=is_copy)
        self._call_all()

    def _read(self, source: Source, record: Any, now: int) -> Item | None:
        try:
            delivery = Delivery.of(record.key, record.value, record.headers)
        except UnreadableDelivery:
            self._slots.start(self._put_aside(source, record))
            return None
        self.read += 1
        if source.lane == "fast":
            self._fast_at = now
        self._bytes.take(delivery.body)
        return Item(source, record.offset, delivery)

    def _settle(self, item: Item, now: int, *, is_copy: bool = False) -> None:
        """Decide about a delivery, and begin to do so."""
        work = self._holdings.of(item.delivery.key)
        endpoint = self._endpoint(item, work)
        is_strained = item.source.is_strained or self._bytes.is_crowded
        load = work.load(len(work.queue), is_crowded=self._is_crowded, is_strained=is_strained)
        decision = decide(now, item.delivery, endpoint, load, self._policy, is_copy=is_copy)
        self._do(decision, item, endpoint, work, now)

    def _endpoint(self, item: Item, work: EndpointWork) -> Endpoint | None:
        return work.part_of(self._endpoints(item.delivery.endpoint_id), item.delivery.shard)

    def _do(self, decision: Decision, item: Item, endpoint: Endpoint | None, work: EndpointWork, now: int) -> None:
        match decision:
            case Attempt() if endpoint is not None:
                work.in_flight += 1
                work.standing = work.standing.called(now, endpoint)
                under_way = _UnderWay(item, endpoint, work)
                self._slots.begin(under_way)
                self._begun.append(under_way)
            case Queue():
                work.queue.append(item)
            case Hold(until):
                if endpoint is not None and until != item.delivery.due_at:
                    work.standing = work.standing.put_off(until, endpoint)
                self._holdings.hold(item, until)
            case Forward(tier, delivery):
                self._ends.move(item, item.source.lane, tier, delivery)
            case Divert(tier, delivery) if endpoint is not None:
                work.standing = work.standing.put_off(delivery.due_at, endpoint)
                self._ends.move(item, "bulk", tier, delivery)
            case Move(delivery):
                self._ends.move(item, item.source.lane, None, delivery)
            case End():
                self._ends.end(item, LogEntry.of(item.delivery, decision, millis(self._clock)), decision)
            case Drop():
                metrics.DELIVERIES_DUPLICATE.add()
                self._finish(item)

    def _call_all(self) -> None:
        """Make the attempts that were decided upon."""
        begun, self._begun = self._begun, []
        if not begun:
            return
        try:
            prepared = self._attempter.prepare_all(
                (one.item.source.lane, one.item.delivery, one.endpoint) for one in begun
            )
            for one, ready in zip(begun, prepared, strict=True):
                one.carried = self._attempter.begin(ready, partial(self._answered, one, ready))
        except Exception as error:  # noqa: BLE001  handed to the tenure, which ends by it
            self._slots.fail(error)

    def _answered(self, one: _UnderWay, prepared: Prepared, result: Answer | Failure | BaseException) -> None:
        # Its call knows this attempt, too: they would keep each other, and all that they hold, for the collector.
        one.carried = None
        if isinstance(result, BaseException):
            self._slots.fail(result)
        else:
            self._over.add((one, prepared, result, millis(self._clock)))

    def _conclude_all(self, over: Sequence[_Over]) -> None:
        """Do what follows from the attempts that ended in a turn."""
        try:
            trials = [
                (one, self._attempter.judge(prepared, result, ended_at))
                for one, prepared, result, ended_at in over
                if not one.is_given_up
            ]
            self._attempter.tell([trial for _, trial in trials])
            for one, trial in trials:
                one.work.in_flight -= 1
                self._learn(one.work, one.item.delivery.key, trial)
            for one, trial in trials:
                self._conclude(one.item, trial)
                self._slots.end(one)
            for one, trial in trials:
                if one.work.queue:
                    self._pull(one.work, trial.entry.at)
            self._call_all()
        except Exception as error:  # noqa: BLE001  handed to the tenure, which ends by it
            self._slots.fail(error)

    def _conclude(self, item: Item, trial: Trial) -> None:
        """Write down what came of an attempt."""
        if isinstance(trial.verdict, End):
            self._ends.end(item, trial.entry, trial.verdict)
            return
        delivery = trial.prepared.delivery
        if self._is_superseded(delivery):
            metrics.DELIVERIES_DUPLICATE.add()
            self._ends.log(item, trial.entry)
        else:
            slot = trial.verdict.slot
            self._ends.retry(item, trial.entry, delivery.retried(slot.index, slot.due_at))

    def _learn(self, work: EndpointWork, key: str, trial: Trial) -> None:
        entry, before = trial.entry, work.standing.breaker
        work.standing = work.standing.learnt(
            trial.prepared.started_at,
            entry.at,
            self._policy.breaker,
            delivered=entry.status is DeliveryStatus.DELIVERED,
        )
        breaker = work.standing.breaker
        if breaker.is_open and breaker is not before:
            wait_s = breaker.pause / 1000
            _log.warning("breaker_opened", endpoint_id=entry.endpoint_id, outcome=str(entry.status), wait_s=wait_s)
        elif before.is_open and not breaker.is_open:
            _log.info("breaker_closed", endpoint_id=entry.endpoint_id)
        else:
            return
        # Nobody waits for it: what is not written the next worker finds out by itself.
        self._slots.start(self._tell_health(key, breaker))

    def _pull(self, work: EndpointWork, now: int) -> None:
        """Settle what queued at an endpoint, some in each turn, until the first of the queue has to go on waiting."""
        if work.is_pulled:
            return
        for _ in range(PULLED_AT_ONCE):
            # An attempt that began now would be cut off at once, and made again by whoever is next.
            if not work.queue or self._draining:
                return
            item = work.queue[0]
            endpoint = self._endpoint(item, work)
            load = work.load(0, is_crowded=self._is_crowded)
            is_copy = self._is_superseded(item.delivery)
            decision = decide(now, item.delivery, endpoint, load, self._policy, is_copy=is_copy)
            if isinstance(decision, Queue):
                return
            work.queue.popleft()
            self._do(decision, item, endpoint, work, now)
        work.is_pulled = True
        self._slots.start(self._pull_on(work))

    async def _pull_on(self, work: EndpointWork) -> None:
        await asyncio.sleep(0)
        work.is_pulled = False
        self._pull(work, millis(self._clock))
        self._call_all()

    def _is_superseded(self, delivery: Delivery) -> bool:
        """Whether the delivery was made anew while this record of it was in memory."""
        return self.copies.is_superseded(delivery.id, delivery.epoch) or self._made_anew(delivery)

    async def _put_aside(self, source: Source, record: Any) -> None:
        await self._bury(record, UNREADABLE)
        self._finished(source, record.offset)

    def _finish(self, item: Item) -> None:
        self._bytes.give_back(item.delivery.body)
        self._finished(item.source, item.offset)

    def _finished(self, source: Source, offset: int) -> None:
        source.tracker.finish(offset)
        if self._rota.leaves_aside(source) and not source.is_stuck:
            self.offer(source)


def _take(fresh: list[tuple[Source, Any]], source: Source) -> None:
    record = source.take()
    if record is not None:
        fresh.append((source, record))
