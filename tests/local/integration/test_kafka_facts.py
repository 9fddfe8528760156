"""What the house relies on in Kafka, checked against the real broker through aiokafka."""

import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from carewire_local.stack import Stack
from carewire_testing import eventually


async def _create(stack: Stack, name: str, **configs: str) -> TopicPartition:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1, topic_configs=configs)])
    await admin.close()
    return TopicPartition(name, 0)


async def test_an_idempotent_producer_gets_acknowledged_and_records_carry_the_brokers_time(
    stack: Stack, topic_prefix: str
) -> None:
    partition = await _create(stack, f"{topic_prefix}append-time")
    async with AIOKafkaProducer(
        bootstrap_servers=stack.kafka_bootstrap, enable_idempotence=True, acks="all"
    ) as producer:
        appended = await producer.send_and_wait(partition.topic, b"x", timestamp_ms=1_000)
    assert appended.timestamp_type == 1
    assert abs(appended.timestamp / 1000 - time.time()) < 60


async def test_deleted_records_move_the_start_of_the_partition(stack: Stack, topic_prefix: str) -> None:
    partition = await _create(stack, f"{topic_prefix}delete-records")
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap, acks="all") as producer:
        for _ in range(5):
            await producer.send_and_wait(partition.topic, b"x")
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
    await admin.start()
    await admin.delete_records({partition: RecordsToDelete(3)})
    await admin.close()
    async with AIOKafkaConsumer(bootstrap_servers=stack.kafka_bootstrap) as consumer:
        assert await consumer.beginning_offsets([partition]) == {partition: 3}


async def test_a_compacted_topic_keeps_the_last_record_of_each_key(stack: Stack, topic_prefix: str) -> None:
    partition = await _create(
        stack,
        f"{topic_prefix}compacted",
        **{
            "cleanup.policy": "compact",
            "segment.ms": "50",
            "min.cleanable.dirty.ratio": "0.001",
            "max.compaction.lag.ms": "50",
        },
    )
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap, acks="all") as producer:

        async def key_a_has_one_value() -> bool:
            # Only closed segments are compacted, and a segment closes when a record comes after its time.
            await producer.send_and_wait(partition.topic, b"next", key=b"a")
            values = await _values(stack, partition, b"a")
            return b"first" not in values

        await producer.send_and_wait(partition.topic, b"first", key=b"a")
        await producer.send_and_wait(partition.topic, b"only", key=b"b")
        await eventually(key_a_has_one_value, 60, pause=0.5)
    assert await _values(stack, partition, b"b") == [b"only"]


async def _values(stack: Stack, partition: TopicPartition, key: bytes) -> list[bytes]:
    async with AIOKafkaConsumer(
        bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    ) as consumer:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        values: list[bytes] = []
        while await consumer.position(partition) < end:
            records = (await consumer.getmany(partition, timeout_ms=200)).get(partition, [])
            values.extend(record.value for record in records if record.key == key)
        return values
