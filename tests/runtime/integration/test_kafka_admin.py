from dataclasses import replace

import pytest

from carewire_contracts.topics import Topic
from carewire_local.stack import Stack
from carewire_runtime.errors import KafkaUnavailable, SetupMissing
from carewire_runtime.kafka.admin import (
    commit_initial_offsets,
    committed,
    delete_records,
    ensure_topics,
    verify_topics,
)
from carewire_runtime.kafka.producer import Producer


async def test_topics_are_created_once(stack: Stack, topic_prefix: str) -> None:
    topics = [Topic(f"{topic_prefix}a", 2, key="any"), Topic(f"{topic_prefix}b", 1, key="any", cleanup="compact")]
    assert await ensure_topics(stack.kafka_bootstrap, topics) == [topic.name for topic in topics]
    assert await ensure_topics(stack.kafka_bootstrap, topics) == []
    await verify_topics(stack.kafka_bootstrap, topics)


async def test_every_difference_is_named_with_its_cure(stack: Stack, topic: Topic, topic_prefix: str) -> None:
    wanted = [
        replace(topic, partitions=3, retention_ms=1000),
        Topic(f"{topic_prefix}never-made", 1, key="any"),
    ]
    with pytest.raises(SetupMissing) as caught:
        await verify_topics(stack.kafka_bootstrap, wanted)
    text = str(caught.value)
    assert f"topic {topic_prefix}never-made is missing" in text
    assert f"topic {topic.name} has 2 partitions instead of 3" in text
    assert f"topic {topic.name} has retention.ms=604800000 instead of 1000" in text
    assert "Run the service's setup" in text


async def test_a_new_group_begins_where_setup_says(stack: Stack, topic: Topic, producer: Producer) -> None:
    for number in range(3):
        await producer.send(topic.name, key=None, value=b"%d" % number, headers=[], partition=0)
    at_end = await commit_initial_offsets(stack.kafka_bootstrap, f"{topic.name}-end", [topic], at="end")
    assert sorted(at_end) == [(topic.name, 0), (topic.name, 1)]
    assert await committed(stack.kafka_bootstrap, f"{topic.name}-end") == {
        (topic.name, 0): (3, ""),
        (topic.name, 1): (0, ""),
    }
    await commit_initial_offsets(stack.kafka_bootstrap, f"{topic.name}-start", [topic], at="start")
    assert (await committed(stack.kafka_bootstrap, f"{topic.name}-start"))[(topic.name, 0)] == (0, "")


async def test_offsets_that_a_group_has_are_left_alone(stack: Stack, topic: Topic, producer: Producer) -> None:
    group = f"{topic.name}-group"
    await commit_initial_offsets(stack.kafka_bootstrap, group, [topic], at="start")
    await producer.send(topic.name, key=None, value=b"v", headers=[], partition=0)
    assert await commit_initial_offsets(stack.kafka_bootstrap, group, [topic], at="end") == []
    assert (await committed(stack.kafka_bootstrap, group))[(topic.name, 0)] == (0, "")


async def test_a_group_that_never_was_has_no_offsets(stack: Stack, topic: Topic) -> None:
    assert await committed(stack.kafka_bootstrap, f"{topic.name}-nobody") == {}


async def test_deleted_records_are_gone(stack: Stack, topic: Topic, producer: Producer) -> None:
    for number in range(3):
        await producer.send(topic.name, key=None, value=b"%d" % number, headers=[], partition=0)
    await delete_records(stack.kafka_bootstrap, {(topic.name, 0): 2})
    await commit_initial_offsets(stack.kafka_bootstrap, f"{topic.name}-after", [topic], at="start")
    assert (await committed(stack.kafka_bootstrap, f"{topic.name}-after"))[(topic.name, 0)] == (2, "")


async def test_an_absent_broker_is_told_as_such() -> None:
    with pytest.raises(KafkaUnavailable):
        await ensure_topics("127.0.0.1:1", [])
