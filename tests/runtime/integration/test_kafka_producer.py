import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OutOfOrderSequenceNumber

from carewire_contracts.topics import Topic
from carewire_local.stack import Stack
from carewire_runtime.errors import KafkaUnavailable, ProducerFatal, RecordTooLarge
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.outbox import OutboxRecord


async def read(stack: Stack, topic: Topic, count: int) -> list[object]:
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic.name, number) for number in range(topic.partitions)])
        return [await asyncio.wait_for(consumer.getone(), 30) for _ in range(count)]
    finally:
        await consumer.stop()


async def test_a_record_is_appended_as_it_is_and_stamped_by_the_broker(
    stack: Stack, topic: Topic, producer: Producer
) -> None:
    appended = await producer.send(topic.name, key=b"k", value=b"\xff\x00", headers=[("ce_id", b"1")], partition=1)
    assert (appended.topic, appended.partition, appended.offset) == (topic.name, 1, 0)
    [record] = await read(stack, topic, 1)
    assert (record.key, record.value, record.headers) == (b"k", b"\xff\x00", (("ce_id", b"1"),))  # type: ignore[attr-defined]
    assert record.timestamp == appended.timestamp_ms > 0  # type: ignore[attr-defined]
    assert record.timestamp_type == 1  # type: ignore[attr-defined]


async def test_many_in_flight_keep_their_order(stack: Stack, topic: Topic, producer: Producer) -> None:
    sending = (
        producer.send(topic.name, key=None, value=b"%d" % number, headers=[], partition=0) for number in range(1000)
    )
    appended = await asyncio.gather(*sending)
    assert [one.offset for one in appended] == list(range(1000))
    assert [record.value for record in await read(stack, topic, 1000)] == [b"%d" % n for n in range(1000)]  # type: ignore[attr-defined]


async def test_equal_keys_go_to_the_same_partition(topic: Topic, producer: Producer) -> None:
    appended = [await producer.send(topic.name, key=b"key", value=b"v", headers=[]) for _ in range(5)]
    assert len({one.partition for one in appended}) == 1


async def test_a_record_beyond_the_limit_is_refused_and_the_producer_goes_on(topic: Topic, producer: Producer) -> None:
    with pytest.raises(RecordTooLarge) as caught:
        await producer.send(topic.name, key=None, value=b"canary" * 300_000, headers=[])
    assert "canary" not in str(caught.value)
    await producer.send(topic.name, key=None, value=b"small", headers=[])


async def test_a_record_larger_than_a_batch_is_taken(topic: Topic, producer: Producer) -> None:
    assert (await producer.send(topic.name, key=None, value=b"x" * 900_000, headers=[])).offset >= 0


async def test_nobody_to_connect_to_is_told_as_such() -> None:
    producer = Producer("127.0.0.1:1", "test")
    with pytest.raises(KafkaUnavailable):
        await producer.start()
    with pytest.raises(KafkaUnavailable, match="not started"):
        await producer.send("t", key=None, value=b"v", headers=[])
    await producer.stop()


async def test_a_lost_sequence_ends_the_producer(topic: Topic, producer: Producer) -> None:
    await producer.send(topic.name, key=None, value=b"1", headers=[], partition=0)
    # As after an outage in which the broker forgot what the producer remembers: the sequence has a hole.
    driver = producer._driver
    assert driver is not None
    driver._txn_manager.increment_sequence_number(TopicPartition(topic.name, 0), 7)
    assert not producer.failed.done()
    with pytest.raises(ProducerFatal, match=OutOfOrderSequenceNumber.__name__):
        await producer.send(topic.name, key=None, value=b"2", headers=[], partition=0)
    assert isinstance(await producer.failed, ProducerFatal)
    for partition in (0, 1):
        with pytest.raises(ProducerFatal):
            await producer.send(topic.name, key=None, value=b"3", headers=[], partition=partition)
    with pytest.raises(ProducerFatal):
        _ = await producer.enqueue_all([OutboxRecord(topic.name, None, b"4", [])])


async def test_a_dead_sender_ends_the_producer(topic: Topic, producer: Producer) -> None:
    driver = producer._driver
    assert driver is not None
    driver._sender._send_produce_req = None
    with pytest.raises(ProducerFatal):
        await producer.send(topic.name, key=None, value=b"1", headers=[])
    assert producer.failed.done()


async def test_cancelled_waiters_harm_nobody(stack: Stack, topic: Topic, producer: Producer) -> None:
    sending = asyncio.create_task(producer.send(topic.name, key=None, value=b"given up", headers=[], partition=0))
    await asyncio.sleep(0)
    sending.cancel()
    [future] = await producer.enqueue_all([OutboxRecord(topic.name, b"k", b"also", [])])
    future.cancel()
    await producer.send(topic.name, key=None, value=b"waited for", headers=[], partition=0)
    values = [record.value for record in await read(stack, topic, 2)]  # type: ignore[attr-defined]
    assert b"also" in values


async def test_what_is_handed_over_is_sent_before_the_stop(stack: Stack, topic: Topic) -> None:
    producer = Producer(stack.kafka_bootstrap, "test")
    await producer.start()
    [future] = await producer.enqueue_all([OutboxRecord(topic.name, None, b"last", [])])
    await producer.stop()
    assert (await future).offset == 0
