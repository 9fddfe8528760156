"""Many records handed over at once arrive as if they had been handed over one by one."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_contracts.topics import Topic
from carewire_local.stack import Stack
from carewire_runtime.errors import KafkaUnavailable, ProducerFatal, RecordTooLarge
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.outbox import OutboxRecord


def record(topic: Topic, key: bytes | None, value: bytes | None) -> OutboxRecord:
    return OutboxRecord(topic.name, key, value, [("ce_id", b"1")])


async def read(stack: Stack, topic: Topic, count: int) -> list[tuple[int, bytes, bytes]]:
    """Partition, key and value of records, each partition in its order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic.name, number) for number in range(topic.partitions)])
        found = [await asyncio.wait_for(consumer.getone(), 30) for _ in range(count)]
        return [(one.partition, one.key, one.value) for one in found]
    finally:
        await consumer.stop()


async def test_every_key_keeps_its_order_over_more_batches_than_one(
    stack: Stack, topic: Topic, producer: Producer
) -> None:
    keys = [b"%d" % number for number in range(7)]
    sent = [(keys[number % 7], b"%05d" % number + b"x" * 2_000) for number in range(700)]
    futures = await producer.enqueue_all([record(topic, key, value) for key, value in sent])
    await asyncio.gather(*set(futures))
    assert len(set(futures)) < len(futures) / 10, "records share batches"
    found = await read(stack, topic, len(sent))
    for key in keys:
        assert [value for _, of, value in found if of == key] == [value for of, value in sent if of == key]


async def test_a_key_has_one_partition_however_it_is_handed_over(
    stack: Stack, topic: Topic, producer: Producer
) -> None:
    keys = [b"%d" % number for number in range(20)]
    await asyncio.gather(*await producer.enqueue_all([record(topic, key, b"all") for key in keys]))
    for key in keys:
        await producer.send(topic.name, key=key, value=b"one", headers=[])
    found = await read(stack, topic, 40)
    for key in keys:
        assert len({partition for partition, of, _ in found if of == key}) == 1


async def test_all_at_once_and_one_by_one_follow_each_other(stack: Stack, topic: Topic, producer: Producer) -> None:
    await producer.send(topic.name, key=b"k", value=b"0", headers=[])  # from here on the topic is known
    waiting: list[asyncio.Future[Any]] = []
    for number in range(1, 301, 3):
        one = producer.send(topic.name, key=b"k", value=b"%d" % number, headers=[])
        waiting.append(asyncio.create_task(one))
        await asyncio.sleep(0)  # it begins
        both = [record(topic, b"k", b"%d" % (number + more)) for more in (1, 2)]
        waiting += await producer.enqueue_all(both)
    await asyncio.gather(*set(waiting))
    assert [int(value) for _, _, value in await read(stack, topic, 301)] == list(range(301))


async def test_one_beyond_the_limit_fails_alone(stack: Stack, topic: Topic, producer: Producer) -> None:
    huge = b"canary" * 300_000
    futures = await producer.enqueue_all([record(topic, b"k", value) for value in (b"1", huge, b"2")])
    outcomes = await asyncio.gather(*futures, return_exceptions=True)
    assert [isinstance(outcome, RecordTooLarge) for outcome in outcomes] == [False, True, False]
    assert "canary" not in str(outcomes[1])
    assert [value for _, _, value in await read(stack, topic, 2)] == [b"1", b"2"]


async def test_a_record_larger_than_a_batch_and_one_without_value_are_taken(
    stack: Stack, topic: Topic, producer: Producer
) -> None:
    large = b"x" * 900_000
    await asyncio.gather(*await producer.enqueue_all([record(topic, b"k", one) for one in (b"1", large, None, b"2")]))
    assert [value for _, _, value in await read(stack, topic, 4)] == [b"1", large, None, b"2"]


async def test_nothing_is_nothing(producer: Producer) -> None:
    assert await producer.enqueue_all([]) == []


async def test_a_producer_that_cannot_takes_nothing(topic: Topic, producer: Producer) -> None:
    with pytest.raises(KafkaUnavailable, match="not started"):
        await Producer("127.0.0.1:1", "test").enqueue_all([record(topic, b"k", b"v")])
    driver = producer._driver
    assert driver is not None
    driver._sender._send_produce_req = None
    [future] = await producer.enqueue_all([record(topic, b"k", b"v")])
    with pytest.raises(ProducerFatal):
        await future
    with pytest.raises(ProducerFatal):
        await producer.enqueue_all([record(topic, b"k", b"v")])
