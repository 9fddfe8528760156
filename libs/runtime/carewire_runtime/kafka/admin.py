"""What `setup` does to Kafka, and what needs the admin API later: topics, initial offsets, deleting records."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import OffsetAndMetadata

from carewire_contracts.topics import Topic
from carewire_runtime.errors import KafkaRefused, KafkaUnavailable, SetupMissing
from carewire_runtime.kafka.translation import translating

Position = tuple[str, int]
"""Topic and partition."""

_TIMEOUT_MS: Final = 15_000
_PATIENCE_S: Final = 15
_WANTED_REPLICAS: Final = 3
_TOPIC_EXISTS: Final = 36
_OK: Final = 0
_COORDINATOR_BEGINS: Final = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    with translating():
        client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_TIMEOUT_MS)
        try:
            await client.start()
            yield client
        finally:
            await client.close()


async def ensure_topics(bootstrap: str, topics: Iterable[Topic]) -> list[str]:
    """Create the topics that are missing and return their names. Those that exist are left as they are.

    Each gets three replicas, two of them in sync, or as many as there are brokers.
    Raises KafkaUnavailable or KafkaRefused.
    """
    async with _admin(bootstrap) as client:
        described = await _describe(client)
        missing = {topic.name: topic for topic in topics if topic.name not in described}
        if not missing:
            return []
        brokers = len((await client.describe_cluster())["brokers"])
        response = await client.create_topics([_new_topic(topic, brokers) for topic in missing.values()])
        created = [name for name in missing if _created(response.topic_errors, name)]
        await _wait_for_leaders(client, missing.values())
    return created


def _new_topic(topic: Topic, brokers: int) -> NewTopic:
    replicas = min(_WANTED_REPLICAS, brokers)
    durability = {"min.insync.replicas": "2"} if replicas == _WANTED_REPLICAS else {}
    return NewTopic(topic.name, topic.partitions, replicas, topic_configs={**durability, **topic.config})


def _created(topic_errors: Iterable[tuple[Any, ...]], name: str) -> bool:
    code = next(code for topic, code, *_ in topic_errors if topic == name)
    if code not in (_OK, _TOPIC_EXISTS):
        raise KafkaRefused(f"topic {name} cannot be created ({for_code(code).__name__})")
    return bool(code == _OK)


async def _wait_for_leaders(client: AIOKafkaAdminClient, topics: Iterable[Topic]) -> None:
    wanted = {topic.name: topic.partitions for topic in topics}
    for _ in range(_PATIENCE_S * 10):
        described = await _describe(client)
        if all(described.get(name, (0, 0))[1] == partitions for name, partitions in wanted.items()):
            return
        await asyncio.sleep(0.1)
    raise KafkaUnavailable("new topics got no leaders in time")


async def _describe(client: AIOKafkaAdminClient) -> dict[str, tuple[int, int]]:
    """Return each topic's partition count, and how many of them have a leader."""
    return {
        topic["topic"]: (
            len(topic["partitions"]),
            sum(partition["leader"] >= 0 for partition in topic["partitions"]),
        )
        for topic in await client.describe_topics()
        if topic["error_code"] == _OK
    }


async def verify_topics(bootstrap: str, topics: Iterable[Topic]) -> None:
    """Compare topics with what they should be. Raises SetupMissing naming every difference and its cure."""
    topics = list(topics)
    async with _admin(bootstrap) as client:
        described = await _describe(client)
        present = [topic for topic in topics if topic.name in described]
        configs = await _configs(client, present)
    problems = [f"topic {topic.name} is missing" for topic in topics if topic.name not in described]
    for topic in present:
        problems += _differences(topic, described[topic.name][0], configs[topic.name])
    if problems:
        raise SetupMissing(
            f"{'; '.join(problems)}. Run the service's setup for what is missing; "
            "change what differs with kafka-configs.sh; a partition count never changes in place"
        )


def _differences(topic: Topic, partitions: int, config: Mapping[str, str]) -> Iterable[str]:
    if partitions != topic.partitions:
        yield f"topic {topic.name} has {partitions} partitions instead of {topic.partitions}"
    for name, wanted in topic.config.items():
        if config.get(name) != wanted:
            yield f"topic {topic.name} has {name}={config.get(name)} instead of {wanted}"


async def _configs(client: AIOKafkaAdminClient, topics: list[Topic]) -> dict[str, dict[str, str]]:
    if not topics:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    responses = await client.describe_configs(asked)
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for response in responses
        for _, _, _, name, entries in response.resources
    }


async def commit_initial_offsets(
    bootstrap: str, group: str, topics: Iterable[Topic], at: Literal["end", "start"] = "end"
) -> list[Position]:
    """Commit where a new group begins, only for partitions where it has no offset yet; return these.

    Without this a group that was never there would skip, or repeat, whatever lies between setup and start.
    A new cluster has no coordinators until it is first asked for one: that is waited for. Raises KafkaUnavailable.
    """
    topics = list(topics)
    for _ in range(_PATIENCE_S * 10 - 1):
        try:
            return await _commit_missing(bootstrap, group, topics, at)
        except KafkaUnavailable:
            await asyncio.sleep(0.1)
    return await _commit_missing(bootstrap, group, topics, at)


async def _commit_missing(
    bootstrap: str, group: str, topics: list[Topic], at: Literal["end", "start"]
) -> list[Position]:
    known = await committed(bootstrap, group)
    wanted = [(topic.name, number) for topic in topics for number in range(topic.partitions)]
    missing = [TopicPartition(*position) for position in wanted if position not in known]
    if not missing:
        return []
    async with _consumer(bootstrap, group) as consumer:
        consumer.assign(missing)
        ends = await (consumer.end_offsets(missing) if at == "end" else consumer.beginning_offsets(missing))
        await consumer.commit(ends)
    return [(partition.topic, partition.partition) for partition in missing]


@asynccontextmanager
async def _consumer(bootstrap: str, group: str) -> AsyncIterator[AIOKafkaConsumer]:
    with translating():
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=_TIMEOUT_MS,
        )
        try:
            await consumer.start()
            yield consumer
        finally:
            await consumer.stop()


async def committed(bootstrap: str, group: str) -> dict[Position, tuple[int, str]]:
    """Return all committed offsets of a group with their metadata, which the consumer API drops."""
    async with _admin(bootstrap) as client:
        offsets = await _group_offsets(client, group)
    return {
        (partition.topic, partition.partition): (place.offset, place.metadata or "")
        for partition, place in offsets.items()
        if place.offset >= 0
    }


async def _group_offsets(client: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
    # The first group of a cluster makes its coordinators begin their work, which takes a moment.
    for _ in range(_PATIENCE_S * 10):
        try:
            return await _fetched_offsets(client, group)
        except _COORDINATOR_BEGINS:
            await asyncio.sleep(0.1)
    raise KafkaUnavailable("no group coordinator answers")


async def _fetched_offsets(client: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
    # Not by list_consumer_group_offsets, which overlooks the error of the answer as a whole: while a broker that was
    # started anew still loads what groups have committed, they would seem to have committed nothing.
    coordinator = await client.find_coordinator(group)
    answer = await client._send_request(OffsetFetchRequest(group, None), coordinator)  # noqa: SLF001
    found: dict[TopicPartition, OffsetAndMetadata] = {}
    codes = [answer.error_code]
    for topic, partitions in answer.topics:
        for partition, offset, metadata, code in partitions:
            found[TopicPartition(topic, partition)] = OffsetAndMetadata(offset, metadata)
            codes.append(code)
    for code in codes:
        if code != _OK:
            raise for_code(code)(f"the offsets of group {group} cannot be told")
    return found


async def delete_records(bootstrap: str, before: Mapping[Position, int]) -> None:
    """Delete the records before an offset in each partition, for good."""
    async with _admin(bootstrap) as client:
        await client.delete_records(
            {TopicPartition(*position): RecordsToDelete(offset) for position, offset in before.items()}
        )
