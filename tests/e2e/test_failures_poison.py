"""Records that cannot be read: set aside with a reason, their neighbours done; too many of them are left alone."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from carewire_contracts.topics import Topic, Topics
from carewire_local.platform import Platform
from carewire_local.stack import Stack
from carewire_runtime.kafka.admin import committed
from carewire_runtime.kafka.producer import Producer
from carewire_testing import eventually
from carewire_testing.nursery import Nursery
from carewire_testing_dispatcher.receiver import Receiver
from carewire_testing_e2e.calling import Callers
from carewire_testing_e2e.house import House
from carewire_testing_e2e.log_lines import assert_ended_by_kafka_alone, said
from carewire_testing_e2e.outcomes import RECOVERED_WITHIN_S, all_delivered, all_succeed, opened
from carewire_testing_e2e.own_house import own_house
from carewire_testing_e2e.topic_ends import ends_of
from carewire_testing_orchestrator.running import read_topic

KEY = b"vandal"
CALLS = 10
GARBAGE = (b"\xff\xfe\x00 no text", b"[]", b"{}", b'{"request_id": 1}', b"", None)
FLOOD = {"requests": 4_000, "events": 4_000, "deliveries": 6_000, "attempts": 4_000}
"""More than any reader sets aside in two lives: each stops at the batch with the thousandth, and the worker has 2,000
under way at a time."""

UNCOMMITTED = ("commit_skipped", "commit_put_off", "last_commit_failed", "session_lost", "component_failed", "died")
"""What a reader says that may have done something without a commit, as on a busy machine: it is done again."""


@pytest.fixture(scope="module")
def platform(stack: Stack, nursery: Nursery, run_folder: Path) -> Iterator[Platform]:
    """A house on topics of its own: they are going to be full of garbage."""
    with own_house(stack, nursery, run_folder / "poisoned") as running:
        yield running


async def publish_garbage(platform: Platform, topic: Topic, values: list[bytes | None]) -> None:
    """Produce what no service of ours would, evenly over the partitions."""
    producer = Producer(platform.stack.kafka_bootstrap, "vandal")
    await producer.start()
    try:
        sending = (
            producer.send(topic.name, key=KEY, value=value, headers=[], partition=number % topic.partitions)
            for number, value in enumerate(values)
        )
        await asyncio.gather(*sending)
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
    assert_ended_by_kafka_alone(platform)


Place = tuple[str, int, int]
"""Topic, partition and offset of a record that was set aside."""


async def places_set_aside(platform: Platform, dead: Topic) -> list[Place]:
    """Where the records stood that a dead topic holds."""
    records = await read_topic(platform.stack.kafka_bootstrap, dead)
    return [
        (headers["dead_topic"].decode(), int(headers["dead_partition"]), int(headers["dead_offset"]))
        for headers in (dict(record.headers) for record in records)
    ]


async def move_past(platform: Platform, topic: Topic, offsets: dict[TopicPartition, int]) -> None:
    """What an operator does with kafka-consumer-groups.sh --reset-offsets, for all groups of a topic."""
    bootstrap = platform.stack.kafka_bootstrap
    for group in await groups_of(bootstrap, platform.env["CAREWIRE_TOPIC_PREFIX"], topic):
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
        await consumer.start()
        consumer.assign(list(offsets))
        await consumer.commit(offsets)
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


async def says_the_cure(house: House, service: str) -> bool:
    """Whether a service is up and says by its readiness what an operator has to do."""
    client: httpx.AsyncClient = getattr(house, service)
    try:
        answer = await client.get("/readyz")
    except httpx.TransportError:
        return False
    return answer.status_code == 503 and "dead topic" in answer.text and "--reset-offsets" in answer.text


Flooded = Callable[[Topics], Topic]
Readers = Callable[[Topics], dict[str, Topic]]

CASES: dict[str, tuple[Flooded, Readers]] = {
    "requests": (
        lambda topics: topics.requests,
        lambda topics: {"ingress": topics.ingress_dead, "orchestrator": topics.orchestrator_dead},
    ),
    "events": (lambda topics: topics.events, lambda topics: {"dispatcher": topics.dispatcher_dead}),
    "deliveries": (lambda topics: topics.deliveries("fast"), lambda topics: {"dispatcher": topics.dispatcher_dead}),
    "attempts": (lambda topics: topics.attempts, lambda topics: {"dispatcher": topics.dispatcher_dead}),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_flood_of_garbage_is_left_alone_until_an_operator_applies_the_cure_that_readiness_says(
    house: House, receiver: Receiver, topics: Topics, case: str
) -> None:
    flooded, readers_of = CASES[case]
    topic, readers, platform, path = flooded(topics), readers_of(topics), house.platform, f"/behind-{case}"
    webhook = await opened(house)
    endpoint = await house.subscribe(receiver.url(path), "pathway.completed")
    processes = [platform.supervisor[service] for service in readers]
    restarts = [process.restarts for process in processes]
    told = {process: process.log.stat().st_size for process in processes}
    begin = await ends_of(platform, topic)
    await publish_garbage(platform, topic, [b"no record of ours"] * FLOOD[case])
    end = await ends_of(platform, topic)

    async def set_aside_of_flood(dead: Topic) -> set[Place]:
        places = [place for place in await places_set_aside(platform, dead) if place[0] == topic.name]
        may_repeat = any(said(process, *UNCOMMITTED, since=length) for process, length in told.items())
        assert may_repeat or len(places) == len(set(places)), "no record is set aside twice"
        return {(name, part, offset) for name, part, offset in places if offset >= begin[TopicPartition(name, part)]}

    async def all_say_the_cure() -> bool:
        return all([await says_the_cure(house, service) for service in readers])

    await eventually(all_say_the_cure, RECOVERED_WITHIN_S)
    before = {dead: await set_aside_of_flood(dead) for dead in readers.values()}
    callers = Callers(house, webhook)
    for _ in range(CALLS):
        assert (await callers.call()).accepted, "what is behind the flood waits, and nobody is turned away"
    after = {dead: await set_aside_of_flood(dead) for dead in readers.values()}
    assert_ended_by_kafka_alone(platform)
    assert after == before or [process.restarts for process in processes] != restarts

    await restarted(platform, readers)
    await eventually(all_say_the_cure, RECOVERED_WITHIN_S)
    for dead, places in before.items():
        assert 0 < len(places) < len(await set_aside_of_flood(dead)) < FLOOD[case]
    for service in readers:
        assert await asyncio.to_thread(platform.supervisor[service].stop), "it ends in order"
    await move_past(platform, topic, end)
    final = {dead: await set_aside_of_flood(dead) for dead in readers.values()}
    for service in readers:
        platform.supervisor[service].start()
    platform.supervisor.wait_ready()
    await all_delivered(house, receiver, endpoint, path, await all_succeed(house, callers.accepted_ids))
    assert {dead: await set_aside_of_flood(dead) for dead in readers.values()} == final


async def restarted(platform: Platform, services: Iterable[str]) -> None:
    """What an impatient operator does before reading what readiness says."""
    for service in services:
        assert await asyncio.to_thread(platform.supervisor[service].stop)
        platform.supervisor[service].start()
