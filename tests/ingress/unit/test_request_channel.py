import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from carewire_contracts.topics import Topics
from carewire_ingress.adapters import request_channel
from carewire_ingress.adapters.request_channel import RequestChannel
from carewire_ingress.errors import NotAcknowledged
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import KafkaUnavailable, ProducerFatal, RecordTooLarge
from carewire_runtime.kafka.producer import Appended
from carewire_testing.waiting import eventually
from carewire_testing_ingress.scripted_producer import ScriptedProducer

TOPIC = Topics().requests
BROKER_TIME = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BROKER_MS = int(BROKER_TIME.timestamp() * 1000)


@asynccontextmanager
async def open_channel(*producers: ScriptedProducer, clock: FakeClock | None = None) -> AsyncIterator[RequestChannel]:
    """A channel over these producers, one after another; the probe of the first one is acknowledged."""
    waiting = list(producers)
    channel = RequestChannel(lambda: waiting.pop(0), Topics().refused, clock or FakeClock(), max_waiting=2)
    async with channel:
        await acknowledge_probe(producers[0])
        yield channel


async def acknowledge_probe(producer: ScriptedProducer) -> None:
    await eventually(lambda: producer.sent)
    producer.sent[-1].acknowledge(BROKER_MS)
    await asyncio.sleep(0)


def append(channel: RequestChannel) -> "asyncio.Task[Appended]":
    return asyncio.create_task(channel.append(TOPIC, key=b"k", value=b"v", headers=[]))


async def test_the_channel_opens_with_the_acknowledgement_of_its_probe() -> None:
    producer = ScriptedProducer()
    channel = RequestChannel(lambda: producer, Topics().refused, FakeClock(), max_waiting=2)
    assert channel.fault() is not None
    async with channel:
        await eventually(lambda: producer.sent)
        assert channel.fault() is not None
        await acknowledge_probe(producer)
        assert channel.fault() is None
        assert abs(channel.broker_milliseconds(0) - BROKER_TIME.timestamp() * 1000) < 2
    assert producer.stopped


async def test_an_acknowledged_record_is_where_the_broker_says() -> None:
    producer = ScriptedProducer()
    async with open_channel(producer) as channel:
        appending = append(channel)
        await eventually(lambda: len(producer.sent) == 2)
        producer.sent[-1].acknowledge(BROKER_MS)
        assert (await appending).topic == TOPIC.name
        assert producer.sent[-1].partition in range(TOPIC.partitions)


async def test_an_unacknowledged_record_is_given_up_and_nothing_more_is_let_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_channel, "ACKNOWLEDGE_WITHIN_S", 0.01)
    producer, clock = ScriptedProducer(), FakeClock()
    async with open_channel(producer, clock=clock) as channel:
        with pytest.raises(NotAcknowledged):
            await append(channel)
        clock.advance(3)
        assert channel.fault() is not None, "the record is still in the producer's memory"
        producer.sent[-1].acknowledge(BROKER_MS)
        await asyncio.sleep(0)
        assert channel.fault() is None


async def test_calls_of_a_moment_share_a_batch_and_each_is_told_how_it_ended() -> None:
    producer = ScriptedProducer(batch=10)
    async with open_channel(producer) as channel:
        first, second = append(channel), append(channel)
        await eventually(lambda: len(producer.sent) == 2)
        assert len(producer.sent[1].records) == 2
        producer.sent[1].settle(KafkaUnavailable("away"))
        errors = await asyncio.gather(first, second, return_exceptions=True)
        assert [type(error) for error in errors] == [KafkaUnavailable] * 2
        assert errors[0] is not errors[1], "a traceback grows with everyone who raises it"
        assert channel.fault() is not None


async def test_a_record_too_large_fails_alone_among_those_of_its_moment() -> None:
    producer = ScriptedProducer(batch=10, limit=5)
    async with open_channel(producer) as channel:
        large = asyncio.create_task(channel.append(TOPIC, key=b"k", value=b"x" * 6, headers=[]))
        small = append(channel)
        await eventually(lambda: len(producer.sent) == 2)
        producer.sent[1].acknowledge(BROKER_MS)
        assert (await small).topic == TOPIC.name
        with pytest.raises(RecordTooLarge):
            await large


async def test_a_caller_who_is_cancelled_loses_nothing_of_how_the_record_ended() -> None:
    producer = ScriptedProducer(batch=10)
    async with open_channel(producer) as channel:
        gone, staying = append(channel), append(channel)
        await eventually(lambda: len(producer.sent) == 2)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert channel.fault() is not None, "both records wait for Kafka still, which is as many as may"
        producer.sent[1].acknowledge(BROKER_MS)
        assert (await staying).topic == TOPIC.name
        assert channel.fault() is None


async def test_a_record_given_up_before_it_was_handed_over_is_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_channel, "ACKNOWLEDGE_WITHIN_S", 0.01)
    producer = ScriptedProducer()
    async with open_channel(producer) as channel:
        under_way = append(channel)
        await eventually(lambda: len(producer.sent) == 2)
        gathered = append(channel)
        outcomes = await asyncio.gather(under_way, gathered, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [NotAcknowledged] * 2
        producer.sent[1].acknowledge(BROKER_MS)
        await asyncio.sleep(0.01)
        assert len(producer.sent) == 2
        assert channel.fault() is None, "it says nothing about Kafka"


async def test_a_record_that_is_too_large_does_not_close_the_channel() -> None:
    producer = ScriptedProducer()
    async with open_channel(producer) as channel:
        producer.limit = 0
        with pytest.raises(RecordTooLarge):
            await append(channel)
        assert channel.fault() is None


async def test_a_record_that_kafka_did_not_take_closes_the_channel_until_a_probe_succeeds() -> None:
    producer = ScriptedProducer()
    async with open_channel(producer) as channel:
        producer.refusals.append(KafkaUnavailable("away"))
        with pytest.raises(KafkaUnavailable):
            await append(channel)
        assert channel.fault() is not None
        await eventually(lambda: len(producer.sent) == 2)
        await acknowledge_probe(producer)
        assert channel.fault() is None


async def test_a_failed_producer_is_replaced() -> None:
    failing, following = ScriptedProducer(), ScriptedProducer()
    async with open_channel(failing, following) as channel:
        appending = append(channel)
        await eventually(lambda: len(failing.sent) == 2)
        failing.failed.set_result(ProducerFatal("out of sequence"))
        with pytest.raises(ProducerFatal):
            await appending
        await acknowledge_probe(following)
        assert failing.stopped
        assert channel.fault() is None


async def test_a_producer_that_is_stuck_is_replaced() -> None:
    stuck, following, clock = ScriptedProducer(), ScriptedProducer(), FakeClock()
    async with open_channel(stuck, following, clock=clock) as channel:
        appending = append(channel)
        await eventually(lambda: len(stuck.sent) == 2)
        clock.advance(31)
        with pytest.raises(ProducerFatal):
            await appending
        await acknowledge_probe(following)
        assert channel.fault() is None


async def test_the_channel_waits_for_kafka() -> None:
    clock, away = FakeClock(), ScriptedProducer(starts=[KafkaUnavailable("away")])
    following = ScriptedProducer()
    waiting = [away, following]
    async with RequestChannel(lambda: waiting.pop(0), Topics().refused, clock, max_waiting=2) as channel:
        with pytest.raises(NotAcknowledged):
            await append(channel)
        await eventually(lambda: clock.sleepers)
        clock.advance(1)
        await acknowledge_probe(following)
        assert channel.fault() is None


async def test_a_full_channel_lets_nothing_in() -> None:
    producer = ScriptedProducer()
    async with open_channel(producer) as channel:
        appending = [append(channel) for _ in range(2)]
        await eventually(lambda: len(producer.sent) == 3)
        assert channel.fault() is not None
        for record in producer.sent[1:]:
            record.acknowledge(BROKER_MS)
        await asyncio.gather(*appending)
        assert channel.fault() is None


async def test_the_channel_stays_open_after_the_order_to_stop() -> None:
    producer, stop = ScriptedProducer(), asyncio.Event()
    async with open_channel(producer) as channel:
        stop.set()
        await channel.run(stop)
        assert channel.fault() is None
