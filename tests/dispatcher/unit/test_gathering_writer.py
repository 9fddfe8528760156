"""Records go to Kafka many at a time, and whoever wrote one learns when Kafka has it."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from carewire_dispatcher.adapters.gathering_writer import GatheringWriter, Outgoing
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


def a_writer(kafka: Kafka, clock: FakeClock) -> GatheringWriter:
    return GatheringWriter(cast("Any", kafka), "write_test", GATHER_S, Pulse(clock, 10), clock)


def a_record(number: int = 0) -> Outgoing:
    return Outgoing(f"topic {number % 2}", b"key", b"value %d" % number, [])


async def test_what_is_told_within_a_moment_goes_as_one() -> None:
    clock, kafka = FakeClock(), Kafka()
    writer = a_writer(kafka, clock)
    writing = [asyncio.create_task(writer.write(a_record(number))) for number in range(50)]
    await clock.run_for(GATHER_S)
    [batch] = kafka.batches
    assert batch == [a_record(number) for number in range(50)], "in their order, of all topics"
    assert not any(task.done() for task in writing), "Kafka has not acknowledged yet"
    kafka.acknowledged.set_result(None)
    await asyncio.gather(*writing)


async def test_what_comes_while_a_batch_is_under_way_goes_with_the_next() -> None:
    clock, kafka = FakeClock(), Kafka()
    writer = a_writer(kafka, clock)
    first = asyncio.create_task(writer.write(a_record(1)))
    await clock.run_for(GATHER_S)
    second = asyncio.create_task(writer.write(a_record(2)))
    await clock.run_for(GATHER_S)
    assert len(kafka.batches) == 1
    kafka.acknowledged.set_result(None)
    await first
    await clock.run_for(GATHER_S)
    await second
    assert [len(batch) for batch in kafka.batches] == [1, 1]


async def test_while_kafka_is_away_it_is_told_again_and_again() -> None:
    clock = FakeClock()
    kafka = Kafka(*(KafkaUnavailable("away") for _ in range(5)))
    writing = asyncio.create_task(a_writer(kafka, clock).write(a_record()))
    await clock.run_for(GATHER_S + 60)
    kafka.acknowledged.set_result(None)
    await writing
    assert [len(batch) for batch in kafka.batches] == [1]


async def test_what_cannot_be_helped_is_told_to_everyone_who_waits_and_to_no_one_later() -> None:
    clock, kafka = FakeClock(), Kafka(ProducerFatal("out of sequence"))
    writer = a_writer(kafka, clock)
    writing = [asyncio.create_task(writer.write(a_record(number))) for number in range(3)]
    await clock.run_for(GATHER_S)
    results = await asyncio.gather(*writing, return_exceptions=True)
    assert [type(result) for result in results] == [ProducerFatal] * 3
    kafka.acknowledged.set_result(None)
    later = asyncio.create_task(writer.write(a_record()))
    await clock.run_for(GATHER_S)
    await later


async def test_after_a_lost_session_nothing_is_written() -> None:
    clock, kafka = FakeClock(), Kafka()
    writing = asyncio.create_task(a_writer(kafka, clock).write(a_record()))
    await clock.run_for(0)
    clock.advance(11)
    with pytest.raises(SessionLost):
        await writing
    assert kafka.batches == []


async def test_who_gave_up_waiting_does_not_keep_the_others_from_theirs() -> None:
    clock, kafka = FakeClock(), Kafka()
    writer = a_writer(kafka, clock)
    patient, impatient = (asyncio.create_task(writer.write(a_record(number))) for number in range(2))
    await clock.run_for(GATHER_S)
    impatient.cancel()
    kafka.acknowledged.set_result(None)
    await patient
    assert (await asyncio.gather(impatient, return_exceptions=True))[0].__class__ is asyncio.CancelledError


async def test_a_closed_writer_tries_no_more() -> None:
    clock, kafka = FakeClock(), Kafka(*(KafkaUnavailable("away") for _ in range(1000)))
    writer = a_writer(kafka, clock)
    writing = asyncio.create_task(writer.write(a_record()))
    await clock.run_for(1)
    writing.cancel()
    writer.close()
    left = len(kafka.faults)
    await clock.run_for(60)
    assert len(kafka.faults) == left
    await asyncio.gather(writing, return_exceptions=True)


async def test_a_writer_that_never_wrote_closes_too() -> None:
    a_writer(Kafka(), FakeClock()).close()
