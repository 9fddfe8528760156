"""A flood of poison: set aside once each, over however many restarts, and what lies behind it is done."""

import asyncio
import itertools
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_contracts.topics import Topic
from carewire_local.stack import Stack
from carewire_runtime.clock import SystemClock
from carewire_runtime.kafka.admin import committed, ensure_topics
from carewire_runtime.kafka.batch import BatchConsumer
from carewire_runtime.kafka.dead_letters import DeadLetters
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.kafka.records import Record
from carewire_runtime.telemetry.instruments import exposition
from carewire_testing import eventually
from carewire_testing_orchestrator.running import read_topic
from carewire_testing_runtime.log import logged
from carewire_testing_runtime.running import running

FLOOD = 450
"""More than one life of a reader sets aside, and so little that three lives set all of it aside."""
BEHIND = 20
BATCH = 50
Place = tuple[int, int]


@dataclass
class Reader:
    """A service that reads a topic: one life after another, each with a limit of its own."""

    stack: Stack
    topic: Topic
    dead: Topic
    producer: Producer
    done: list[Place] = field(default_factory=list)

    @property
    def group(self) -> str:
        return f"{self.topic.name}-readers"

    def life(self) -> BatchConsumer:
        letters = DeadLetters(self.producer, self.dead.name, SystemClock())

        async def handle(records: list[Record]) -> None:
            good = [record for record in records if record.value != b"poison"]
            for record in records:
                if record.value == b"poison":
                    await letters.send(record, "poison")
            letters.limit.good(len(good))
            self.done += [(record.partition, record.offset) for record in good]

        return BatchConsumer(
            self.stack.kafka_bootstrap,
            [self.topic.name],
            self.group,
            handle,
            max_records=BATCH,
            poison_limit=letters.limit,
        )

    async def live(self) -> None:
        """One life, until it reads no more or has read everything."""
        consumer = self.life()
        async with running(consumer):
            await eventually(lambda: has_ended(consumer) or len(self.done) == BEHIND)

    async def letters(self) -> list[Place]:
        records = await read_topic(self.stack.kafka_bootstrap, self.dead)
        headers = [dict(record.headers) for record in records]
        return [(int(each["dead_partition"]), int(each["dead_offset"])) for each in headers]

    async def commits(self) -> dict[int, int]:
        places = await committed(self.stack.kafka_bootstrap, self.group)
        return {partition: offset for (_, partition), (offset, _) in places.items()}


async def a_flooded_reader(stack: Stack, topic: Topic, producer: Producer) -> Reader:
    dead = Topic(f"{topic.name}-dead", 1, key="any")
    await ensure_topics(stack.kafka_bootstrap, [dead])
    writing = (
        producer.send(topic.name, key=b"k", value=value, headers=[], partition=number % topic.partitions)
        for number, value in enumerate([b"poison"] * FLOOD + [b"good"] * BEHIND)
    )
    await asyncio.gather(*writing)
    return Reader(stack, topic, dead, producer)


def has_ended(consumer: BatchConsumer) -> bool:
    return "--reset-offsets" in (consumer.not_ready() or "")


async def test_each_is_set_aside_once_however_often_the_reader_is_started(
    stack: Stack, topic: Topic, producer: Producer
) -> None:
    reader = await a_flooded_reader(stack, topic, producer)
    aside = [0]
    while len(reader.done) < BEHIND:
        await reader.live()
        aside.append(len(await reader.letters()))
    letters = await reader.letters()
    assert len(letters) == len(set(letters)) == FLOOD
    assert len(set(reader.done)) == BEHIND
    lives = [after - before for before, after in itertools.pairwise(aside)]
    assert len(lives) > 1
    assert all(200 - BEHIND <= each < 200 + BATCH for each in lives[:-1]), "a life ends at the batch that was too much"


async def test_beyond_the_limit_the_reader_stays_up_reads_no_more_and_says_the_cure(
    stack: Stack, topic: Topic, producer: Producer
) -> None:
    reader = await a_flooded_reader(stack, topic, producer)
    consumer = reader.life()
    with logged() as lines:
        async with running(consumer) as life:
            await eventually(lambda: has_ended(consumer))

            async def committed_what_is_aside() -> bool:
                return sum((await reader.commits()).values()) == len(await reader.letters())

            await eventually(committed_what_is_aside)
            assert not life.done()
            assert f'carewire_consumer_lag_seconds{{group="{reader.group}"}} 0.0' not in exposition().decode()
    assert life.exception() is None, "it ends in order when it is asked to"
    assert reader.done == []
    [line] = lines.of("consuming_ended")
    assert (line["error"], line["level"]) == ("TooManyPoison", "error")
    assert "look into the dead topic" in line["message"]


async def test_an_operator_can_move_the_offsets_while_the_reader_only_waits(
    stack: Stack, topic: Topic, producer: Producer
) -> None:
    reader = await a_flooded_reader(stack, topic, producer)
    consumer = reader.life()
    behind_the_flood = {TopicPartition(topic.name, number): FLOOD // topic.partitions for number in range(2)}
    with logged() as lines:
        async with running(consumer):
            await eventually(lambda: lines.of("consuming_ended"))
            operator = AIOKafkaConsumer(
                bootstrap_servers=stack.kafka_bootstrap, group_id=reader.group, enable_auto_commit=False
            )
            await operator.start()
            operator.assign(list(behind_the_flood))
            await operator.commit(behind_the_flood)
            await operator.stop()
    aside = len(await reader.letters())
    async with running(reader.life()):
        await eventually(lambda: len(reader.done) == BEHIND)
    assert len(await reader.letters()) == aside
