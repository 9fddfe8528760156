"""Records that cannot be read: set aside with a reason, their neighbours done; too many of them stop the process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from carewire_contracts.topics import Topic, Topics
from carewire_local.backoff import BackOff
from carewire_local.platform import Platform
from carewire_local.service_process import ServiceProcess
from carewire_local.stack import Stack
from carewire_runtime.kafka.admin import committed
from carewire_runtime.kafka.producer import Appended, Producer
from carewire_testing import eventually
from carewire_testing.databases import fresh_database
from carewire_testing.topics import fresh_topics
from carewire_testing_dispatcher.receiver import Receiver
from carewire_testing_e2e.calling import Callers
from carewire_testing_e2e.house import House, visit
from carewire_testing_e2e.outcomes import RECOVERED_WITHIN_S, all_delivered, all_succeed, opened
from carewire_testing_orchestrator.running import read_topic

PARTITIONS = 2
KEY = b"vandal"
CALLS = 10
GARBAGE = (b"\xff\xfe\x00 no text", b"[]", b"{}", b'{"request_id": 1}', b"", None)
FLOOD = 450
"""More than twice the 200 records after which a fifth of poison is too much, wherever batches begin and end."""


@pytest.fixture(scope="module")
def platform(stack: Stack, run_folder: Path) -> Iterator[Platform]:
    """A house on topics of its own: they are going to be full of garbage."""
    with fresh_database(stack.postgres_dsn) as dsn, fresh_topics(stack.kafka_bootstrap) as prefix:
        env = {
            "CAREWIRE_POSTGRES_DSN": dsn,
            "CAREWIRE_TOPIC_PREFIX": prefix,
            "CAREWIRE_PARTITIONS": str(PARTITIONS),
            "CAREWIRE_TIME_SCALE": "10",
        }
        with Platform(run_folder / "poisoned", stack=stack, env=env, backoff=BackOff(first_s=0.1)) as running:
            yield running


@pytest.fixture
async def house(platform: Platform) -> AsyncIterator[House]:
    """The house with all its services ready."""
    platform.supervisor.wait_ready()
    async with visit(platform) as visited:
        await visited.register_identifier_system()
        yield visited


@pytest.fixture
def topics(platform: Platform) -> Topics:
    """The names of its topics."""
    return Topics(platform.env["CAREWIRE_TOPIC_PREFIX"], PARTITIONS)


async def publish_garbage(platform: Platform, topic: Topic, values: list[bytes | None]) -> None:
    """Produce what no service of ours would, evenly over the partitions."""
    producer = Producer(platform.stack.kafka_bootstrap, "vandal")
    await producer.start()
    waiting: list[asyncio.Future[Appended]] = []
    try:
        for number, value in enumerate(values):
            partition = number % topic.partitions
            waiting.append(await producer.enqueue(topic.name, key=KEY, value=value, headers=[], partition=partition))
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()


async def set_aside(platform: Platform, dead: Topic) -> list[tuple[str, bytes | None]]:
    """What a dead topic holds: from where, and what. Each record says why and where it stood."""
    found = []
    for record in await read_topic(platform.stack.kafka_bootstrap, dead):
        headers = dict(record.headers)
        assert headers.keys() >= {"dead_reason", "dead_topic", "dead_partition", "dead_offset"}
        assert headers["dead_reason"].decode().isidentifier(), "a fixed word, no text of an error"
        found.append((headers["dead_topic"].decode(), record.value))
    return found


async def test_garbage_is_set_aside_with_a_reason_and_its_neighbours_are_done(
    house: House, receiver: Receiver, topics: Topics
) -> None:
    platform, path = house.platform, "/neighbours"
    webhook = await opened(house)
    endpoint = await house.subscribe(receiver.url(path), "pathway.completed")
    callers = Callers(house, webhook)
    consumed = {
        topics.ingress_dead: [topics.requests, topics.refused, topics.incoming_webhooks],
        topics.orchestrator_dead: [topics.requests],
        topics.dispatcher_dead: [
            topics.events,
            topics.incoming_webhooks,
            topics.deliveries("fast"),
            topics.deliveries("bulk"),
            topics.tier("fast", 2),
            topics.attempts,
        ],
    }
    poisoned = {topic for readers in consumed.values() for topic in readers}
    for _ in range(2):
        for topic in poisoned:
            await publish_garbage(platform, topic, list(GARBAGE))
        for _ in range(CALLS):
            await callers.call()

    care_flows = await all_succeed(house, callers.accepted_ids)
    await all_delivered(house, receiver, endpoint, path, care_flows)
    for dead, sources in consumed.items():
        expected = {(source.name, garbage) for source in sources for garbage in GARBAGE}

        async def all_there(dead: Topic = dead, expected: set[Any] = expected) -> bool:
            assert set(await set_aside(platform, dead)) == expected
            return True

        await eventually(all_there, RECOVERED_WITHIN_S, pause=0.1)
    assert all(process.restarts == 0 for process in platform.supervisor)


async def skip(platform: Platform, topic: Topic) -> None:
    """What an operator does with kafka-consumer-groups.sh --reset-offsets --to-latest, for all groups of a topic."""
    bootstrap = platform.stack.kafka_bootstrap
    places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    prefix = platform.env["CAREWIRE_TOPIC_PREFIX"]
    for group in await groups_of(bootstrap, prefix, topic):
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
        await consumer.start()
        consumer.assign(places)
        await consumer.commit(await consumer.end_offsets(places))
        await consumer.stop()


async def groups_of(bootstrap: str, prefix: str, topic: Topic) -> list[str]:
    """The groups that have committed offsets of a topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        groups = [name for name, *_ in await admin.list_consumer_groups() if name.startswith(prefix)]
    finally:
        await admin.close()
    return [group for group in groups if any(name == topic.name for name, _ in await committed(bootstrap, group))]


Poisoned = Callable[[Topics], Topic]

CASES: dict[str, tuple[Poisoned, list[str]]] = {
    "requests": (lambda topics: topics.requests, ["ingress", "orchestrator"]),
    "events": (lambda topics: topics.events, ["dispatcher"]),
    "deliveries": (lambda topics: topics.deliveries("fast"), ["dispatcher"]),
    "attempts": (lambda topics: topics.attempts, ["dispatcher"]),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_flood_of_garbage_stops_its_readers_which_say_the_cure(
    house: House, receiver: Receiver, topics: Topics, case: str
) -> None:
    chosen, services = CASES[case]
    topic, platform, path = chosen(topics), house.platform, f"/after-{case}"
    processes = [platform.supervisor[service] for service in services]
    told_before = {process.name: process.log.read_text().count("TooManyPoison") for process in processes}
    await publish_garbage(platform, topic, [b"no record of ours"] * FLOOD)

    for process in processes:

        def told(process: ServiceProcess = process) -> bool:
            return process.log.read_text().count("TooManyPoison") > told_before[process.name]

        await eventually(told, RECOVERED_WITHIN_S)
        await asyncio.to_thread(process.stop)
        assert "look into the dead topic" in process.log.read_text()
        assert "--reset-offsets" in process.log.read_text()

    await skip(platform, topic)
    for process in processes:
        process.start()
    platform.supervisor.wait_ready()
    webhook = await opened(house)
    endpoint = await house.subscribe(receiver.url(path), "pathway.completed")
    callers = Callers(house, webhook)
    await callers.call()
    await all_delivered(house, receiver, endpoint, path, await all_succeed(house, callers.accepted_ids))
