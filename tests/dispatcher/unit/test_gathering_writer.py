"""Records go to Kafka many at a time, and whoever wrote one is told when Kafka has it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, cast

from carewire_dispatcher.adapters.gathering_writer import TOLD_AT_ONCE, GatheringWriter, Outgoing
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.errors import SessionLost
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import KafkaUnavailable, ProducerFatal

GATHER_S = 0.05


class Kafka:
    """Takes batches, fails as often as it is told to, and acknowledges when it is told to."""

    def __init__(self, *faults: Exception) -> None:
        self.batches: list[list[Any]] = []
        self.faults = list(faults)
        self.acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def enqueue_all(self, records: Sequence[Any]) -> list[asyncio.Future[None]]:
        if self.faults:
            raise self.faults.pop(0)
        self.batches.append(list(records))
        return [self.acknowledged] * len(records)


@dataclass
class Desk:
    """A writer, and what is heard of it."""

    kafka: Kafka
    clock: FakeClock = field(default_factory=FakeClock)
    written: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.writer = GatheringWriter(
            cast("Any", self.kafka), a_record, "write_test", GATHER_S, Pulse(self.clock, 10), self.clock, self.note
        )

    def note(self, error: BaseException) -> None:
        self.failed.append(type(error).__name__)

    def write(self, *numbers: int) -> None:
        for number in numbers:
            self.writer.write(number, partial(self.written.append, number))


def a_record(number: int = 0) -> Outgoing:
    return Outgoing(f"topic {number % 2}", b"key", b"value %d" % number, [])


async def test_what_is_told_within_a_moment_goes_as_one() -> None:
    desk = Desk(Kafka())
    desk.write(*range(50))
    await desk.clock.run_for(GATHER_S)
    [batch] = desk.kafka.batches
    assert batch == [a_record(number) for number in range(50)], "in their order, of all topics"
    assert desk.written == [], "Kafka has not acknowledged yet"
    desk.kafka.acknowledged.set_result(None)
    await desk.clock.run_for(0)
    assert desk.written == list(range(50))


async def test_what_comes_while_a_batch_is_under_way_goes_with_the_next() -> None:
    desk = Desk(Kafka())
    desk.write(1)
    await desk.clock.run_for(GATHER_S)
    desk.write(2)
    await desk.clock.run_for(GATHER_S)
    assert len(desk.kafka.batches) == 1
    desk.kafka.acknowledged.set_result(None)
    await desk.clock.run_for(GATHER_S)
    assert ([len(batch) for batch in desk.kafka.batches], desk.written) == ([1, 1], [1, 2])
    desk.write(3)
    await desk.clock.run_for(GATHER_S)
    assert desk.written == [1, 2, 3], "also after a rest"


async def test_what_is_done_once_kafka_has_a_record_may_write_another() -> None:
    desk = Desk(Kafka())
    desk.kafka.acknowledged.set_result(None)
    desk.writer.write(1, lambda: desk.write(2))
    await desk.clock.run_for(2 * GATHER_S)
    assert ([len(batch) for batch in desk.kafka.batches], desk.written) == ([1, 1], [2])


async def test_of_a_large_batch_it_is_told_in_turns_so_that_others_have_theirs_between() -> None:
    desk, count = Desk(Kafka()), 3 * TOLD_AT_ONCE + 1
    desk.write(*range(count))
    await desk.clock.run_for(GATHER_S)
    desk.kafka.acknowledged.set_result(None)
    told = [0]
    while told[-1] < count:
        await asyncio.sleep(0)
        told.append(len(desk.written))
    assert max(after - before for before, after in pairwise(told)) == TOLD_AT_ONCE


async def test_while_kafka_is_away_it_is_told_again_and_again() -> None:
    desk = Desk(Kafka(*(KafkaUnavailable("away") for _ in range(5))))
    desk.write(1)
    await desk.clock.run_for(GATHER_S + 60)
    desk.kafka.acknowledged.set_result(None)
    await desk.clock.run_for(0)
    assert ([len(batch) for batch in desk.kafka.batches], desk.written) == ([1], [1])


async def test_after_what_cannot_be_helped_nothing_is_written_any_more() -> None:
    desk = Desk(Kafka(ProducerFatal("out of sequence")))
    desk.kafka.acknowledged.set_result(None)
    desk.write(1, 2)
    await desk.clock.run_for(GATHER_S)
    desk.write(3)
    await desk.clock.run_for(1)
    assert (desk.failed, desk.written, desk.kafka.batches) == (["ProducerFatal"], [], [])


async def test_after_a_lost_session_nothing_is_written() -> None:
    desk = Desk(Kafka())
    desk.write(1)
    await desk.clock.run_for(0)
    desk.clock.advance(11)
    await desk.clock.run_for(0)
    assert (desk.failed, desk.written, desk.kafka.batches) == ([SessionLost.__name__], [], [])


async def test_a_closed_writer_tries_no_more_and_tells_nobody() -> None:
    desk = Desk(Kafka(*(KafkaUnavailable("away") for _ in range(1000))))
    desk.write(1)
    await desk.clock.run_for(1)
    desk.writer.close()
    left = len(desk.kafka.faults)
    await desk.clock.run_for(60)
    assert (len(desk.kafka.faults), desk.failed, desk.written) == (left, [], [])


async def test_a_writer_that_never_wrote_closes_too() -> None:
    Desk(Kafka()).writer.close()
