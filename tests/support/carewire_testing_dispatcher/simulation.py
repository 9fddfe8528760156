"""A worker, its topics and its receivers in virtual time.

The rules are the real ones: `admit`, `decide`, `classify`, the schedule, the tiers, breakers, the rota, fork collapse,
offset windows. Modelled are the broker (a log for each lane and tier of each partition number, which gives a record
back when its delay is over), the receivers, and the worker's CPU, which does one thing after the other.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, cast

from carewire_contracts.topics import LANES, TIERS, Lane
from carewire_dispatcher.adapters.hindsight import LOOKED_AT
from carewire_dispatcher.adapters.holdings import EndpointWork, Holdings, Item
from carewire_dispatcher.adapters.source import STRAINED, WINDOW
from carewire_dispatcher.domain.admission import admit
from carewire_dispatcher.domain.classify import Answer, Failure, Retry, classify
from carewire_dispatcher.domain.decide import Attempt, Decision, Divert, Drop, Forward, Hold, Queue, decide
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.ending import End, EndStatus
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.fork_collapse import ForkCollapse
from carewire_dispatcher.domain.policy import Policy
from carewire_dispatcher.domain.rota import Rota
from carewire_runtime.kafka.offsets import OffsetTracker

PARTITIONS: Final = 12
TAKING_MS: Final = 0.1
"""CPU of taking a record and writing it elsewhere: as measured, a little more than was measured."""
CALLING_MS: Final = 0.15
"""CPU of an attempt on top of that."""
COMMIT_EVERY: Final = 500
SLOTS: Final = 2_000

Receiver = Callable[[int, Delivery], tuple[Answer | Failure, int]]
"""What an endpoint answers to a call at a moment, and after how many milliseconds."""


@dataclass(eq=False)
class Log:
    """One partition of a lane or tier: what was not read yet, and what was read and may have to be read again."""

    lane: Lane
    delay: int
    unread: deque[tuple[int, int, Delivery]] = field(default_factory=deque)
    read: deque[tuple[int, int, Delivery]] = field(default_factory=deque)
    tracker: OffsetTracker = field(default_factory=lambda: OffsetTracker(WINDOW))
    committed: tuple[int, str] = (0, "")
    end: int = 0

    def append(self, at: int, delivery: Delivery) -> None:
        """Write a record."""
        self.unread.append((self.end, at, delivery))
        self.end += 1

    @property
    def is_empty(self) -> bool:
        """Whether all was read."""
        return not self.unread

    @property
    def is_stuck(self) -> bool:
        """Whether the window has no room."""
        return self.tracker.full

    def ripe_at(self) -> int:
        """Say when the first unread record's delay is over."""
        return self.unread[0][1] + self.delay

    def is_ripe(self, now: int) -> bool:
        """Whether a record may be read."""
        return bool(self.unread) and self.ripe_at() <= now and not self.is_stuck

    def commit(self) -> None:
        """Commit as the worker does, and forget what nobody will read again."""
        self.committed = self.tracker.position() or self.committed
        while self.read and self.read[0][0] < self.committed[0]:
            self.read.popleft()

    def rewind(self) -> None:
        """Go back to what was committed."""
        self.unread.extendleft(reversed(self.read))
        self.read.clear()
        self.tracker = OffsetTracker(WINDOW)
        self.tracker.restore(*self.committed)


@dataclass(frozen=True)
class Call:
    """One attempt: which, when it was due, when it began, and what came of it."""

    delivery: Delivery
    at: int
    result: Answer | Failure


class Simulation:
    """Runs until nothing is left to do. Times are milliseconds from 0 on."""

    def __init__(self, endpoints: dict[str, tuple[Endpoint, Receiver]], time_scale: float = 1.0) -> None:
        self.policy = Policy.scaled(time_scale)
        self.calls: dict[str, list[Call]] = {}
        self.ends: dict[str, list[tuple[int, End]]] = {}
        self.copies_dropped = 0
        self.records_taken = 0
        self._endpoints = endpoints
        self._logs = {
            (lane, tier, number): Log(lane, 0 if tier is None else self.policy.wheel.delay(tier))
            for lane in LANES
            for tier in (None, *TIERS)
            for number in range(PARTITIONS)
        }
        self._numbers = {name: number % PARTITIONS for number, name in enumerate(sorted(endpoints))}
        self._quotas: dict[str, float] = {}
        self._alarms: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._life = 0
        self._now = 0.0
        self._busy_until = 0.0
        self._wakes_at: float | None = None
        self._is_alive = True
        self._dirty: set[Log] = set()
        self._begin_life()

    def _begin_life(self) -> None:
        self._life += 1
        self._holdings = Holdings()
        self._copies = ForkCollapse()
        self._rota: Rota[Log] = Rota()
        self._in_flight = 0

    @property
    def now(self) -> int:
        """The moment, as the worker's clock shows it."""
        return int(self._now)

    def at(self, moment: float, happens: Callable[[], None]) -> None:
        """Have something happen at a moment, or now where that is past."""
        heapq.heappush(self._alarms, (max(moment, self._now), next(self._order), happens))

    def publish(self, moment: int, delivery: Delivery) -> None:
        """Have fan-out write a delivery at a moment, to the lane that its endpoint's quota gives it."""
        self.at(moment, lambda: self._fan_out(delivery))

    def kill(self, moment: int) -> None:
        """Have the worker killed at a moment, and another one take over six seconds later."""
        self.at(moment, self._die)

    def stop(self) -> None:
        """Let nothing more happen."""
        self._alarms.clear()

    def run(self) -> None:
        """Go through all that happens."""
        while self._alarms:
            self._now, _, happens = heapq.heappop(self._alarms)
            happens()

    # The broker

    def _fan_out(self, delivery: Delivery) -> None:
        endpoint, _ = self._endpoints[delivery.endpoint_id]
        admitted = admit(self.now, endpoint, self._quotas.get(endpoint.id, 0.0))
        self._quotas[endpoint.id] = admitted.used_until
        self._write(admitted.lane, None, delivery)

    def _write(self, lane: Lane, tier: int | None, delivery: Delivery) -> None:
        log = self._logs[lane, tier, self._numbers[delivery.endpoint_id]]
        log.append(self.now, delivery)
        self._rota.offer(log)
        self._wake(self._now)

    def _finish(self, log: Log, offset: int) -> None:
        was_stuck = log.is_stuck
        log.tracker.finish(offset)
        if was_stuck and not log.is_stuck:
            self._rota.offer(log)
            self._wake(self._now)
        if not self._dirty:
            life = self._life
            self.at(self._now + COMMIT_EVERY, lambda: self._commit() if life == self._life else None)
        self._dirty.add(log)

    def _commit(self) -> None:
        for log in self._dirty:
            log.commit()
        self._dirty = set()

    # The worker

    def _die(self) -> None:
        self._begin_life()
        self._is_alive = False
        self._wakes_at = None
        self._dirty = set()
        life = self._life
        self.at(self._now + 6_000, lambda: self._take_over() if life == self._life else None)

    def _take_over(self) -> None:
        for log in self._logs.values():
            log.rewind()
            for _, _, delivery in itertools.islice(reversed(log.unread), LOOKED_AT):
                if delivery.hop:
                    self._copies.expect(delivery.id, delivery.epoch, delivery.hop)
            self._rota.offer(log)
        self._is_alive = True
        self._wake(self._now)

    def _spend(self, ms: float) -> None:
        self._busy_until = max(self._busy_until, self._now) + ms

    def _wake(self, moment: float) -> None:
        """Have the worker look around at a moment or once it has time, unless it does so earlier anyway."""
        moment = max(moment, self._busy_until)
        if not self._is_alive or (self._wakes_at is not None and self._wakes_at <= moment):
            return
        self._wakes_at, life = moment, self._life
        self.at(moment, lambda: self._work(moment) if life == self._life else None)

    def _work(self, planned: float) -> None:
        if planned != self._wakes_at:
            return
        now, self._wakes_at = self.now, None
        for item in self._holdings.due(now):
            self._settle(item)
        taken = self._rota.turn(now, self._take, SLOTS - self._in_flight, SLOTS // 2 - self._in_flight)
        moments = [at for at in (self._rota.wakes_at(), self._holdings.next_due()) if at is not None]
        if taken:
            self._wake(self._now)
        elif moments:
            self._wake(min(moments))

    def _take(self, log: Log) -> None:
        record = log.unread.popleft()
        log.read.append(record)
        offset, _, delivery = record
        if not log.tracker.start(offset):
            return
        self.records_taken += 1
        self._spend(TAKING_MS)
        item = Item(cast("Any", log), offset, delivery)
        self._settle(item, is_copy=self._copies.is_copy(delivery.id, delivery.epoch, delivery.hop))

    def _settle(self, item: Item, *, is_copy: bool = False) -> None:
        work = self._holdings.of(item.delivery.endpoint_id)
        is_strained = item.source.tracker.span >= STRAINED
        load = work.load(len(work.queue), is_crowded=self._in_flight * 2 >= SLOTS, is_strained=is_strained)
        endpoint, _ = self._endpoints[item.delivery.endpoint_id]
        decision = decide(self.now, item.delivery, endpoint, load, self.policy, is_copy=is_copy)
        self._do(decision, item, endpoint, work)

    def _do(self, decision: Decision, item: Item, endpoint: Endpoint, work: EndpointWork) -> None:
        log = cast("Log", item.source)
        match decision:
            case Attempt():
                work.standing = work.standing.called(self.now, endpoint)
                self._call(item, work)
            case Queue():
                work.queue.append(item)
            case Hold(until):
                if until != item.delivery.due_at:
                    work.standing = work.standing.put_off(until, endpoint)
                self._holdings.hold(item, until)
            case Forward(tier, delivery):
                self._write(log.lane, tier, delivery)
                self._finish(log, item.offset)
            case Divert(tier, delivery):
                work.standing = work.standing.put_off(delivery.due_at, endpoint)
                self._write("bulk", tier, delivery)
                self._finish(log, item.offset)
            case End():
                self._end(item, decision)
            case Drop():
                self.copies_dropped += 1
                self._finish(log, item.offset)

    def _call(self, item: Item, work: EndpointWork) -> None:
        _, receiver = self._endpoints[item.delivery.endpoint_id]
        result, duration = receiver(self.now, item.delivery)
        self.calls.setdefault(item.delivery.id, []).append(Call(item.delivery, self.now, result))
        self._spend(CALLING_MS)
        work.in_flight += 1
        self._in_flight += 1
        began, life = self.now, self._life
        self.at(self._now + duration, lambda: self._answered(item, work, began, result) if life == self._life else None)

    def _answered(self, item: Item, work: EndpointWork, began: int, result: Answer | Failure) -> None:
        self._in_flight -= 1
        work.in_flight -= 1
        counted = item.delivery.attempted(began)
        endpoint, _ = self._endpoints[item.delivery.endpoint_id]
        schedule = self.policy.schedule.of(endpoint.retry_offsets_s)
        verdict = classify(result, self.now, counted, schedule, endpoint.terminal_statuses)
        delivered = isinstance(verdict, End) and verdict.status is EndStatus.DELIVERED
        work.standing = work.standing.learnt(began, self.now, self.policy.breaker, delivered=delivered)
        self._pull(work)
        if isinstance(verdict, Retry):
            tier = self.policy.wheel.tier_for(verdict.slot.due_at - self.now)
            following = counted.retried(verdict.slot.index, verdict.slot.due_at)
            self._write(cast("Log", item.source).lane, tier, following)
            self._finish(cast("Log", item.source), item.offset)
        else:
            self._end(item, verdict)

    def _pull(self, work: EndpointWork) -> None:
        while work.queue:
            item = work.queue[0]
            endpoint, _ = self._endpoints[item.delivery.endpoint_id]
            load = work.load(0, is_crowded=self._in_flight * 2 >= SLOTS)
            decision = decide(self.now, item.delivery, endpoint, load, self.policy)
            if isinstance(decision, Queue):
                return
            work.queue.popleft()
            self._do(decision, item, endpoint, work)

    def _end(self, item: Item, end: End) -> None:
        self.ends.setdefault(item.delivery.id, []).append((self.now, end))
        self._finish(cast("Log", item.source), item.offset)
