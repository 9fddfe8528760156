"""The scripted producer and the real one keep the same promises to those who hand records over."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from carewire_contracts.topics import Topic
from carewire_local.stack import Stack
from carewire_runtime.errors import KafkaError, KafkaUnavailable
from carewire_runtime.kafka.admin import ensure_topics
from carewire_runtime.kafka.producer import Appended, Producer
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_testing import eventually
from carewire_testing_ingress.scripted_producer import ScriptedProducer


@dataclass
class Subject:
    """A producer, and what makes it go on."""

    producer: Producer
    topic: Topic
    let_pass: Callable[[], None]
    outcomes: list[tuple[int, Appended | KafkaError]] = field(default_factory=list)

    async def hand_over(self, *values: bytes, partition: int = 0) -> int:
        records = [OutboxRecord(self.topic.name, b"k", value, []) for value in values]
        return await self.producer.hand_over(
            self.topic.name, partition, records, lambda *outcome: self.outcomes.append(outcome)
        )


def acknowledge_all(producer: ScriptedProducer) -> None:
    for sent in producer.sent:
        sent.acknowledge(timestamp_ms=1)


@pytest.fixture(params=["real", "scripted"])
async def subject(request: pytest.FixtureRequest, stack: Stack, topic_prefix: str) -> AsyncIterator[Subject]:
    topic = Topic(f"{topic_prefix}{abs(hash(request.node.name))}", 2, key="any")
    if request.param == "real":
        await ensure_topics(stack.kafka_bootstrap, [topic])
        real = Producer(stack.kafka_bootstrap, "test")
        yield Subject(real, topic, lambda: None)
        await real.stop()
    else:
        scripted = ScriptedProducer(batch=2)
        yield Subject(scripted, topic, lambda: acknowledge_all(scripted))


async def test_what_was_handed_over_is_settled_once_with_where_it_was_appended(subject: Subject) -> None:
    await subject.producer.start()
    await subject.hand_over(b"1", partition=1)
    subject.let_pass()
    await eventually(lambda: subject.outcomes)
    subject.let_pass()
    ((_, appended),) = subject.outcomes
    assert isinstance(appended, Appended)
    assert (appended.topic, appended.partition) == (subject.topic.name, 1)
    assert appended.offset >= 0
    assert appended.timestamp_ms > 0


async def test_records_are_settled_in_their_order(subject: Subject) -> None:
    await subject.producer.start()
    for number in range(20):
        await subject.hand_over(b"%d" % number)
    subject.let_pass()
    await eventually(lambda: len(subject.outcomes) == 20)
    offsets = [one.offset for _, one in subject.outcomes if isinstance(one, Appended)]
    assert offsets == sorted(offsets)
    assert len(offsets) == 20


async def test_a_batch_takes_the_first_records_and_tells_how_many(subject: Subject) -> None:
    await subject.producer.start()
    taken = await subject.hand_over(*[b"x" * 50_000] * 5)
    assert 1 <= taken < 5
    subject.let_pass()
    await eventually(lambda: subject.outcomes)
    assert [count for count, _ in subject.outcomes] == [taken]


async def test_whoever_stops_leaves_nothing_unsettled(subject: Subject) -> None:
    await subject.producer.start()
    await subject.hand_over(b"1")
    await subject.producer.stop()
    await eventually(lambda: len(subject.outcomes) == 1)


@pytest.mark.parametrize("when", ["before its start", "after its stop"])
async def test_nothing_is_taken_over_by_one_that_does_not_run(subject: Subject, when: str) -> None:
    if when == "after its stop":
        await subject.producer.start()
        await subject.producer.stop()
    with pytest.raises(KafkaUnavailable):
        await subject.hand_over(b"1")
    assert subject.outcomes == []
