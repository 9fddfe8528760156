"""The mill does as `decide` says, and finishes a record only after all that it led to was acknowledged.

Kafka and the receivers are played by scripts here; what plays the clock is the runtime's fake.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition

from carewire_dispatcher.adapters import byte_budget, slots
from carewire_dispatcher.adapters.attempter import Attempter
from carewire_dispatcher.adapters.delivery_writer import DeliveryWriter
from carewire_dispatcher.adapters.gathering_writer import Then
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.mill import PULLED_AT_ONCE, RELEASED_AT_ONCE, Mill
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.adapters.sender import Call, CallTask, Carried, Over
from carewire_dispatcher.adapters.source import Source
from carewire_dispatcher.adapters.trial import Prepared
from carewire_dispatcher.domain.breaker import Breaker
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_dispatcher.domain.decide import LIMIT_WHEN_CROWDED
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.log_entry import DeliveryStatus, LogEntry
from carewire_dispatcher.domain.pacing import Pace
from carewire_dispatcher.domain.policy import Policy
from carewire_dispatcher.domain.schedule import RetrySchedule
from carewire_dispatcher.domain.standing import Standing
from carewire_runtime.clock import FakeClock
from carewire_runtime.kafka.offsets import OffsetTracker
from carewire_testing_dispatcher.deliveries import ENDPOINT_ID, a_delivery, a_keeper, an_endpoint

Written = tuple[int | None, Delivery]


@dataclass
class World:
    """Receivers that answer by script, and a Kafka that acknowledges when it is told to."""

    clock: FakeClock = field(default_factory=FakeClock)
    endpoint: Endpoint | None = field(default_factory=an_endpoint)
    answers: list[Answer | Failure] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    forwarded: list[Written] = field(default_factory=list)
    diverted: list[Written] = field(default_factory=list)
    logged: list[LogEntry] = field(default_factory=list)
    buried: list[str] = field(default_factory=list)
    known: Breaker | None = None
    told: list[tuple[str, bool]] = field(default_factory=list)
    made_anew: set[str] = field(default_factory=set)
    acknowledging: bool = True
    holds_answers: bool = False
    overs: list[Over] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answering = asyncio.Event()
        self.answering.set()
        self.unacknowledged: list[Then] = []
        self.source = Source(TopicPartition("fast", 3), "fast", None, 0, 10_000_000)
        self.mill = Mill(
            lambda _: self.endpoint,
            lambda _: self.known,
            Attempter(cast("Any", self), RetrySchedule(), self.clock, Pulse(self.clock, 10), a_keeper()),
            cast("DeliveryWriter", self),
            Policy.scaled(),
            self.clock,
            self.bury,
            lambda delivery: delivery.id in self.made_anew,
        )

    async def send(self, call: Call) -> Answer | Failure:
        self.calls.append(call)
        await self.answering.wait()
        return self.answers.pop(0) if self.answers else Answer(200)

    def begin(self, call: Call, over: Over) -> Carried:
        if self.holds_answers:
            self.overs.append(over)
            # As every call does, it knows whom to tell.
            return SimpleNamespace(give_up=lambda: None, over=over)
        return CallTask(self.send(call), over)

    def forward(self, lane: str, tier: int | None, delivery: Delivery, then: Then) -> None:
        (self.forwarded if lane == "fast" else self.diverted).append((tier, delivery))
        self.acknowledge(then)

    def log(self, entry: LogEntry, then: Then) -> None:
        self.logged.append(entry)
        self.acknowledge(then)

    def acknowledge(self, then: Then) -> None:
        if self.acknowledging:
            asyncio.get_running_loop().call_soon(then)
        else:
            self.unacknowledged.append(then)

    def acknowledge_all(self) -> None:
        """Kafka has what was written, and takes whatever comes from now on."""
        self.acknowledging = True
        waiting, self.unacknowledged = self.unacknowledged, []
        for then in waiting:
            then()

    async def tell_health(self, endpoint_id: str, breaker: Breaker) -> None:
        self.told.append((endpoint_id, breaker.is_open))

    async def bury(self, record: Any, reason: str) -> None:
        self.buried.append(f"{reason} at {record.offset}")
        kept = asyncio.Event()
        self.acknowledge(kept.set)
        await kept.wait()

    @property
    def now(self) -> int:
        return millis(self.clock)

    def put(self, *deliveries: Delivery, first: int = 0) -> None:
        self.source.put(as_records(*deliveries, first=first))
        self.mill.offer(self.source)

    def due(self, number: int = 0, **fields: Any) -> Delivery:
        return a_delivery(id=f"delivery {number}", due_at=self.now, **fields)

    @property
    def committed(self) -> int:
        position = self.source.tracker.position()
        return -1 if position is None else position[0]


def as_records(*deliveries: Delivery, first: int) -> list[Any]:
    return [
        SimpleNamespace(offset=first + number, timestamp=0, key=one.key.encode(), value=one.body, headers=one.headers())
        for number, one in enumerate(deliveries)
    ]


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    running = asyncio.create_task(made.mill.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    made.answering.set()
    made.acknowledge_all()
    await made.mill.drain(1)
    assert not made.mill.failed.done()


async def test_a_delivered_record_finishes_after_its_log_entry_was_acknowledged(world: World) -> None:
    world.acknowledging = False
    world.put(world.due())
    await settle()
    assert [entry.status for entry in world.logged] == [DeliveryStatus.DELIVERED]
    assert world.committed == 0
    world.acknowledge_all()
    await settle()
    assert world.committed == 1
    assert world.forwarded == []


async def test_a_failed_attempt_is_told_before_its_next_hop_is_written_and_finishes_after_both(world: World) -> None:
    world.answers = [Answer(500)]
    world.acknowledging = False
    world.put(world.due(hop=4))
    await settle()
    [entry] = world.logged
    assert (world.forwarded, world.committed) == ([], 0), (
        "who finds the next hop after a kill never tells of the attempt"
    )
    [told] = world.unacknowledged
    world.unacknowledged.clear()
    told()
    [(tier, following)] = world.forwarded
    assert tier is None, "the first retry comes within two seconds, so it goes to the lane and waits in memory"
    assert (following.hop, following.slot, following.attempt) == (5, 1, 1)
    assert world.now < following.due_at <= world.now + 2_000
    assert (entry.status, entry.next_attempt_at) == (DeliveryStatus.RETRYING, following.due_at)
    assert world.committed == 0
    world.acknowledge_all()
    await settle()
    assert world.committed == 1


async def test_the_tier_of_a_next_hop_is_that_of_the_wait_that_is_left_when_it_is_written(world: World) -> None:
    world.answers = [Answer(503, retry_after="8")]
    world.acknowledging = False
    world.put(world.due())
    await settle()
    world.clock.advance(0.1)
    world.acknowledge_all()
    await settle()
    assert [tier for tier, _ in world.forwarded] == [2], "after the 8 s of the next one it would be late"


async def test_many_whose_moment_has_come_are_settled_in_turns_so_that_others_have_theirs_between(world: World) -> None:
    count = 2 * RELEASED_AT_ONCE + 1
    world.endpoint = an_endpoint(concurrency=count)
    world.mill._endpoints = lambda key: an_endpoint(id=key, concurrency=count)
    tried = {"first_attempt_at": world.now - 1_000, "attempt": 1, "slot": 1}
    held = [
        a_delivery(id=f"{number}", endpoint_id=f"{number % 2}", due_at=world.now + 1_000, **tried)
        for number in range(count)
    ]
    world.put(*held)
    await settle()
    assert world.calls == []
    world.clock.advance(1)
    world.mill.offer(world.source)
    begun = [0]
    while begun[-1] < count:
        await asyncio.sleep(0)
        begun.append(len(world.calls))
    assert max(after - before for before, after in pairwise(begun)) <= RELEASED_AT_ONCE
    await settle()
    assert world.committed == count


async def test_a_backlog_in_bulk_is_put_off_more_slowly_while_the_fast_lane_has_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "MOVED_AT_ONCE", 5)
    monkeypatch.setattr(slots, "MOVED_BESIDE_FAST", 2)
    left_alone = Breaker(is_open=True, since=world.now + 60_000, pause=60_000)
    world.mill._holdings.of("hanging").standing = Standing(left_alone)
    world.mill._endpoints = {name: an_endpoint(id=name) for name in ("hanging", "well")}.get
    bulk = Source(TopicPartition("bulk", 3), "bulk", None, 0, 10_000_000)
    bulk.put(as_records(*(world.due(number, endpoint_id="hanging") for number in range(20)), first=0))
    world.acknowledging = False
    world.put(world.due(99, endpoint_id="well"))
    await settle()
    world.mill.offer(bulk)
    await settle()
    assert (len(world.calls), len(world.diverted)) == (1, 2)
    world.clock.advance(1)
    world.mill.offer(bulk)
    await settle()
    assert len(world.diverted) == 5
    world.acknowledge_all()
    await settle()
    assert len(world.diverted) == 20


async def test_while_kafka_is_away_no_more_is_begun_than_there_are_slots(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "SLOTS", 4)
    world.acknowledging = False
    world.put(*(world.due(number) for number in range(9)))
    await settle()
    assert (len(world.calls), world.committed) == (4, 0)
    world.acknowledge_all()
    await settle()
    assert (len(world.calls), world.committed) == (9, 9)


async def test_at_the_end_what_is_being_written_gets_its_time_too(world: World) -> None:
    world.acknowledging = False
    world.put(world.due())
    await settle()
    draining = asyncio.create_task(world.mill.drain(60))
    await settle()
    assert not draining.done()
    world.acknowledge_all()
    await draining
    assert world.committed == 1


async def test_retries_sign_the_same_id_and_bytes_again(world: World) -> None:
    world.answers = [Failure.TIMEOUT]
    world.put(world.due())
    await settle()
    [(_, following)] = world.forwarded
    world.clock.advance(2)
    world.put(following, first=1)
    await settle()
    first, second = world.calls
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 2


async def test_what_was_made_anew_while_it_waited_in_a_tier_goes(world: World) -> None:
    world.made_anew.add("delivery 0")
    world.put(world.due(0, hop=7), world.due(1, hop=7))
    await settle()
    assert [entry.delivery_id for entry in world.logged] == ["delivery 1"]
    assert (len(world.calls), world.committed) == (1, 2)


@pytest.mark.parametrize("told_by", ["its newer record", "a claim"])
async def test_what_is_made_anew_while_it_waits_in_memory_goes(world: World, told_by: str) -> None:
    tried: dict[str, Any] = {"first_attempt_at": world.now, "attempt": 1, "slot": 1}
    world.put(a_delivery(id="delivery 0", due_at=world.now + 1_500, hop=3, **tried))
    await settle()
    if told_by == "a claim":
        world.made_anew.add("delivery 0")
    else:
        world.put(world.due(0, epoch=1), first=1)
    await settle()
    world.clock.advance(2)
    await settle()
    world.mill.offer(world.source)
    await settle()
    assert len(world.calls) == (0 if told_by == "a claim" else 1)
    assert world.committed == len(world.calls) + 1


async def test_what_is_made_anew_while_it_queues_goes_and_the_queue_with_it(world: World) -> None:
    world.endpoint = an_endpoint(concurrency=1)
    world.answering.clear()
    world.put(*(world.due(number) for number in range(4)))
    await settle()
    world.made_anew |= {"delivery 1", "delivery 2"}
    world.answering.set()
    await settle()
    assert [entry.delivery_id for entry in world.logged] == ["delivery 0", "delivery 3"]
    assert world.committed == 4


async def test_what_is_made_anew_during_its_attempt_is_logged_and_not_tried_again(world: World) -> None:
    world.answers = [Answer(500)]
    world.answering.clear()
    world.put(world.due())
    await settle()
    world.made_anew.add("delivery 0")
    world.answering.set()
    await settle()
    assert [entry.status for entry in world.logged] == [DeliveryStatus.RETRYING]
    assert (world.forwarded, world.committed) == ([], 1)


async def test_an_endpoint_gets_no_more_calls_at_a_time_than_it_bears_and_the_rest_queue(world: World) -> None:
    world.endpoint = an_endpoint(concurrency=2)
    world.answering.clear()
    world.put(*(world.due(number) for number in range(6)))
    await settle()
    assert (len(world.calls), world.mill.in_flight) == (2, 2)
    assert world.forwarded == []
    world.answering.set()
    await settle()
    assert len(world.calls) == 6
    assert world.committed == 6


@pytest.mark.parametrize(
    ("mebibytes", "read"), [(2, 2), (4, 8)], ids=["two fit, the rest is not begun", "four fit, the rest goes by"]
)
async def test_big_bodies_are_begun_only_as_far_as_the_bytes_of_the_process_go(
    world: World, monkeypatch: pytest.MonkeyPatch, mebibytes: int, read: int
) -> None:
    monkeypatch.setattr(byte_budget, "WORK_BYTES", mebibytes * 1024 * 1024)
    monkeypatch.setattr(byte_budget, "CROWDED_BYTES", 1024 * 1024)
    world.endpoint = an_endpoint(concurrency=200)
    world.answering.clear()
    big = bytes(1024 * 1024)
    world.put(*(world.due(number, body=big) for number in range(8)))
    await settle()
    # The first body made it crowded: two places for the endpoint, and nothing queues for them.
    assert len(world.calls) == LIMIT_WHEN_CROWDED
    assert world.mill.read == read
    assert [tier for tier, _ in world.diverted] == [2] * (read - LIMIT_WHEN_CROWDED)
    world.answering.set()
    await settle()
    assert world.mill.read == 8
    assert world.committed == 8


async def test_each_shard_has_places_of_its_own(world: World) -> None:
    world.endpoint = an_endpoint(concurrency=3, shards=2)
    world.answering.clear()
    world.put(*(world.due(number, shard=number % 2) for number in range(8)))
    await settle()
    assert len(world.calls) == 3
    world.answering.set()
    await settle()
    assert (len(world.calls), world.committed) == (8, 8)


async def test_the_failing_of_one_shard_is_told_under_its_key(world: World) -> None:
    world.endpoint = an_endpoint(shards=2)
    world.answers = [Failure.CONNECT] * 5
    world.put(*(world.due(number, shard=1) for number in range(5)))
    await settle()
    assert world.told == [(f"{ENDPOINT_ID}/1", True)]


async def test_what_a_shard_that_is_no_more_holds_or_waits_for_goes_to_another(world: World) -> None:
    world.endpoint = an_endpoint(concurrency=2, shards=2)
    world.answering.clear()
    world.put(*(world.due(number, shard=1) for number in range(3)))
    await settle()
    world.endpoint = an_endpoint(concurrency=2)
    world.answering.set()
    world.acknowledging = False
    await settle()
    moved = [(tier, delivery.key) for tier, delivery in world.forwarded]
    assert (len(world.calls), moved, world.committed) == (1, [(None, ENDPOINT_ID)] * 2, 0)
    world.acknowledge_all()
    await settle()
    assert world.committed == 3


async def test_records_that_end_out_of_order_are_committed_up_to_the_first_that_is_under_way(world: World) -> None:
    hanging, quick = an_endpoint(id="hanging"), an_endpoint(id="quick")
    endpoints = {"hanging": hanging, "quick": quick}
    world.mill._endpoints = endpoints.get
    world.answering.clear()
    world.put(world.due(0, endpoint_id="hanging"))
    await settle()
    released, world.answering = world.answering, asyncio.Event()
    world.answering.set()
    world.put(*(world.due(number, endpoint_id="quick") for number in range(1, 4)), first=1)
    await settle()
    assert world.committed == 0
    position = world.source.tracker.position()
    assert position is not None
    restarted = OffsetTracker()
    restarted.restore(*position)
    assert [restarted.start(offset) for offset in range(4)] == [True, False, False, False]
    released.set()
    await settle()
    assert world.committed == 4


async def test_behind_a_full_window_a_partition_goes_on_once_its_first_record_has_finished(world: World) -> None:
    world.source.tracker = OffsetTracker(3)
    world.answering.clear()
    world.put(*(world.due(number) for number in range(5)))
    await settle()
    assert len(world.calls) == 3
    world.answering.set()
    await settle()
    assert (len(world.calls), world.committed) == (5, 5)


async def test_a_copy_of_a_hop_calls_nobody_and_writes_nothing(world: World) -> None:
    world.put(world.due(), world.due(), world.due(hop=1))
    await settle()
    assert len(world.calls) == 2
    assert len(world.logged) == 2
    assert world.committed == 3


@pytest.mark.parametrize(
    ("endpoint", "reason"), [(None, "endpoint_deleted"), (an_endpoint(enabled=False), "endpoint_disabled")]
)
async def test_without_an_enabled_endpoint_the_delivery_is_held_and_nobody_called(
    world: World, endpoint: Endpoint | None, reason: str
) -> None:
    world.endpoint = endpoint
    world.put(world.due(hop=1))
    await settle()
    [entry] = world.logged
    assert (entry.status, entry.reason, entry.tried) == (DeliveryStatus.HELD, reason, None)
    assert world.calls == []
    assert world.committed == 1


async def test_what_comes_before_the_news_of_its_endpoint_is_sent_once_that_is_heard(world: World) -> None:
    world.endpoint = None
    world.put(world.due())
    await settle()
    assert (world.calls, world.logged, world.committed) == ([], [], 0)
    world.endpoint = an_endpoint()
    world.clock.advance(0.25)
    world.mill.offer(world.source)
    await settle()
    assert [entry.status for entry in world.logged] == [DeliveryStatus.DELIVERED]
    assert world.committed == 1


async def test_what_queued_is_held_as_well_when_its_endpoint_is_switched_off_meanwhile(world: World) -> None:
    world.endpoint = an_endpoint(concurrency=1)
    world.answering.clear()
    world.put(world.due(0), world.due(1), world.due(2))
    await settle()
    world.endpoint = an_endpoint(concurrency=1, enabled=False)
    world.answering.set()
    await settle()
    assert len(world.calls) == 1
    assert [str(entry.status) for entry in world.logged] == ["delivered", "held", "held"]
    assert world.committed == 3


async def test_a_delivery_not_due_for_long_goes_to_a_tier_unchanged_but_for_its_hop(world: World) -> None:
    delivery = a_delivery(due_at=world.now + 40_000, attempt=3, slot=4, first_attempt_at=5)
    world.acknowledging = False
    world.put(delivery)
    await settle()
    assert world.forwarded == [(32, delivery.forwarded())]
    assert (world.calls, world.logged) == ([], [])
    assert world.committed == 0
    world.acknowledge_all()
    await settle()
    assert world.committed == 1


async def test_a_delivery_due_in_a_moment_is_held_in_memory_and_its_offset_with_it(world: World) -> None:
    world.put(a_delivery(due_at=world.now + 30, first_attempt_at=world.now - 1_000, attempt=1, slot=1))
    await settle()
    assert (world.calls, world.committed) == ([], 0)
    world.clock.advance(0.029)
    world.mill.offer(world.source)
    await settle()
    assert world.calls == []
    world.clock.advance(0.001)
    world.mill.offer(world.source)
    await settle()
    assert (len(world.calls), world.committed) == (1, 1)


async def test_a_record_that_is_no_delivery_is_put_aside_before_its_offset_passes(world: World) -> None:
    world.acknowledging = False
    world.source.put([cast("Any", SimpleNamespace(offset=0, timestamp=0, key=b"k", value=b"v", headers=[]))])
    world.mill.offer(world.source)
    await settle()
    assert world.buried == ["unreadable_delivery at 0"]
    assert (world.committed, world.mill.read) == (0, 0)
    world.acknowledge_all()
    await settle()
    assert world.committed == 1


async def test_diverted_deliveries_get_slots_one_after_the_other(world: World) -> None:
    world.endpoint = an_endpoint(concurrency=1)
    work = world.mill._holdings.of(ENDPOINT_ID)
    work.standing = Standing(pace=Pace().observed(100_000))
    world.answering.clear()
    world.put(*(world.due(number) for number in range(4)))
    await settle()
    dues = [following.due_at - world.now for _, following in world.diverted]
    interval = work.standing.pace.interval(1)
    assert dues == [2_000, 2_000 + interval, 2_000 + 2 * interval]
    assert world.committed == 0


async def test_the_oldest_record_that_is_ripe_and_not_taken_is_how_far_the_lane_is_behind(world: World) -> None:
    assert world.mill.oldest_due("fast", world.now) is None
    source = Source(TopicPartition("fast", 0), "fast", None, 0, 1_000)
    source.put([cast("Any", SimpleNamespace(offset=0, timestamp=world.now - 7_000, value=b"", key=b"", headers=[]))])
    world.mill._rota.offer(source)
    assert world.mill.oldest_due("fast", world.now) == 7.0
    assert world.mill.oldest_due("bulk", world.now) is None
    source.take()


async def test_a_lost_session_stops_the_mill_before_the_next_call() -> None:
    world = World()
    running = asyncio.create_task(world.mill.run())
    world.clock.advance(11)
    world.put(world.due())
    await settle()
    assert world.calls == []
    assert type(world.mill.failed.result()).__name__ == "SessionLost"
    assert world.committed == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_at_the_end_what_is_under_way_gets_its_time_and_is_then_cut_off_unfinished() -> None:
    world = World()
    running = asyncio.create_task(world.mill.run())
    world.answering.clear()
    world.put(world.due())
    await settle()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await world.mill.drain(0)
    assert world.mill.in_flight == 0
    assert (world.committed, world.logged) == (0, [])


async def test_an_answer_about_the_end_is_written_before_it_or_left_to_whoever_is_next() -> None:
    outcomes = set()
    for turns in range(8):
        world = World()
        world.holds_answers = True
        running = asyncio.create_task(world.mill.run())
        world.put(world.due())
        await settle()
        running.cancel()
        draining = asyncio.create_task(world.mill.drain(0))
        for _ in range(turns):
            await asyncio.sleep(0)
        was_over = draining.done()
        [over] = world.overs
        over(Answer(200))
        await settle()
        await asyncio.gather(running, return_exceptions=True)
        assert draining.done()
        assert not (was_over and world.logged)
        outcomes.add((len(world.logged), world.committed))
    assert outcomes == {(1, 1), (0, 0)}


async def test_an_attempt_that_is_over_leaves_nothing_to_the_collector() -> None:
    world = World(holds_answers=True)
    running = asyncio.create_task(world.mill.run())
    gc.collect()
    gc.disable()
    try:
        world.put(*[world.due(number) for number in range(5)])
        await settle()
        overs, world.overs = world.overs, []
        for over in overs:
            over(Answer(200))
        del over, overs
        await settle()
        left = [one for one in gc.get_objects() if isinstance(one, Prepared)]
    finally:
        gc.enable()
    running.cancel()
    assert (world.committed, left) == (5, [])


@pytest.mark.parametrize("broken", ["begin", "judge", "prepare_all"])
async def test_an_error_of_our_own_ends_the_work_with_its_record_not_committed(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError(broken)

    monkeypatch.setattr(Attempter, broken, fail)
    world = World()
    running = asyncio.create_task(world.mill.run())
    world.put(world.due())
    await settle()
    assert str(world.mill.failed.result()) == broken
    assert world.committed == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_an_error_of_the_sender_ends_the_work_with_its_record_not_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: Any) -> Answer | Failure:
        raise RuntimeError("the sender's own")

    monkeypatch.setattr(World, "send", fail)
    world = World()
    running = asyncio.create_task(world.mill.run())
    world.put(world.due())
    await settle()
    assert str(world.mill.failed.result()) == "the sender's own"
    assert world.committed == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_five_failures_in_a_row_turn_the_next_delivery_away_into_the_bulk_lane(world: World) -> None:
    world.answers = [Answer(500)] * 5
    world.put(*(world.due(number) for number in range(5)))
    await settle()
    assert world.mill.open_breakers == 1
    world.put(world.due(5), first=5)
    await settle()
    assert len(world.calls) == 5
    [(tier, following)] = world.diverted
    assert (tier, following.due_at, following.attempt) == (2, world.now + 4_000, 0)
    assert world.committed == 6


async def test_when_the_pause_is_over_one_probe_goes_out_and_brings_the_others_back(world: World) -> None:
    world.answers = [Failure.CONNECT] * 5
    world.put(*(world.due(number) for number in range(5)))
    await settle()
    world.clock.advance(4)
    world.answering.clear()
    world.put(world.due(6), world.due(7), first=5)
    await settle()
    assert len(world.calls) == 6
    assert [following.id for _, following in world.diverted] == ["delivery 7"]
    world.answering.set()
    await settle()
    assert world.mill.open_breakers == 0
    world.put(world.due(8), first=7)
    await settle()
    assert len(world.calls) == 7


async def test_what_another_worker_knew_of_an_endpoint_holds_for_the_next_one(world: World) -> None:
    world.known = Breaker(is_open=True, since=world.now + 8_000, pause=64_000)
    world.put(world.due(0))
    await settle()
    assert (world.calls, [tier for tier, _ in world.diverted]) == ([], [8])


async def test_that_a_breaker_opens_and_closes_is_told_and_nothing_else(world: World) -> None:
    world.answers = [Answer(200), *[Answer(500)] * 5]
    world.put(*(world.due(number) for number in range(6)))
    await settle()
    assert world.told == [(ENDPOINT_ID, True)]
    world.clock.advance(4)
    world.put(world.due(6), world.due(7), first=6)
    await settle()
    assert world.told == [(ENDPOINT_ID, True), (ENDPOINT_ID, False)]


async def test_what_queued_is_diverted_when_the_breaker_opens_meanwhile(world: World) -> None:
    world.endpoint = an_endpoint(concurrency=1)
    world.answers = [Answer(500)] * 5
    world.put(*(world.due(number) for number in range(9)))
    await settle()
    assert len(world.calls) == 5
    assert [following.id for _, following in world.diverted] == [f"delivery {number}" for number in range(5, 9)]
    assert world.committed == 9


async def test_a_long_queue_is_diverted_in_many_turns_so_that_others_have_theirs_between(world: World) -> None:
    world.endpoint = an_endpoint(concurrency=1)
    world.answers = [Answer(500)] * 5
    count = 5 + 4 * PULLED_AT_ONCE
    world.answering.clear()
    world.put(*(world.due(number) for number in range(count)))
    await settle()
    world.answering.set()
    diverted = [0]
    while diverted[-1] < count - 5:
        await asyncio.sleep(0)
        diverted.append(len(world.diverted))
    assert max(after - before for before, after in pairwise(diverted)) <= PULLED_AT_ONCE
    await settle()
    assert world.committed == count
    assert [following.id for _, following in world.diverted] == [f"delivery {number}" for number in range(5, count)]


async def test_calls_go_out_no_faster_than_the_rate_and_what_waits_long_does_so_in_a_tier(world: World) -> None:
    world.endpoint = an_endpoint(rate_per_s=2)
    world.put(*(world.due(number) for number in range(6)))
    await settle()
    assert len(world.calls) == 1
    assert [(tier, following.due_at - world.now) for tier, following in world.diverted] == [(2, 2_000), (2, 2_500)]
    for made in (2, 3, 4):
        world.clock.advance(0.5)
        world.mill.offer(world.source)
        await settle()
        assert len(world.calls) == made
    assert world.committed == 6


async def test_crowded_as_it_is_every_endpoint_gets_two_places(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "CROWDED", 3)
    world.answering.clear()
    world.mill._endpoints = {name: an_endpoint(id=name) for name in ("first", "late")}.get
    world.put(*(world.due(number, endpoint_id="first") for number in range(3)))
    await settle()
    assert len(world.calls) == 3
    world.put(*(world.due(number, endpoint_id="late") for number in range(3, 7)), first=3)
    await settle()
    assert len(world.calls) == 5
