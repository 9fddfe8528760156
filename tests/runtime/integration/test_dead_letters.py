from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_contracts.topics import Topic
from carewire_local.stack import Stack
from carewire_runtime.clock import SystemClock
from carewire_runtime.kafka.dead_letters import DeadLetters
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.kafka.records import Record, record_of
from carewire_runtime.telemetry import metrics
from carewire_testing_runtime.log import logged


async def test_a_record_is_set_aside_as_it_is_with_where_it_stood_and_why(
    stack: Stack, topic: Topic, producer: Producer
) -> None:
    poison = Record("source", 3, 17, 1, b"canary-key", b"\xffcanary", (("ce_id", b"1"),))
    before = metrics.DEAD_LETTERS.value(reason="not_an_event")
    with logged() as lines:
        appended = await DeadLetters(producer, topic.name, SystemClock()).send(poison, "not_an_event")
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic.name, appended.partition)])
    dead = record_of(await consumer.getone())
    await consumer.stop()
    assert (dead.key, dead.value) == (poison.key, poison.value)
    assert dead.headers == (
        ("ce_id", b"1"),
        ("dead_reason", b"not_an_event"),
        ("dead_topic", b"source"),
        ("dead_partition", b"3"),
        ("dead_offset", b"17"),
    )
    assert metrics.DEAD_LETTERS.value(reason="not_an_event") == before + 1
    assert "canary" not in lines.text
    assert lines.of("record_set_aside")[0]["reason"] == "not_an_event"


async def test_a_record_without_key_and_value_can_be_set_aside_too(topic: Topic, producer: Producer) -> None:
    nothing = Record("source", 0, 0, 1, None, None, ())
    assert (await DeadLetters(producer, topic.name, SystemClock()).send(nothing, "empty")).offset == 0
