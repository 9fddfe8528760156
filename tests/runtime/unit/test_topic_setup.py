"""What setup asks of a cluster, and how it names what differs, over a scripted admin client."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.admin import NewTopic

import carewire_runtime.kafka.admin as admin_module
from carewire_contracts.topics import Topic
from carewire_runtime.errors import KafkaRefused, SetupMissing
from carewire_runtime.kafka.admin import ensure_topics, verify_topics

EVENTS = Topic("events", 3, key="patient id")
TABLE = Topic("table", 1, key="id", cleanup="compact")
TOPIC_EXISTS, NOT_ALLOWED = 36, 29


class Cluster:
    """Topics by name: how many partitions, and their configuration. `refusals` are error codes by topic."""

    def __init__(self, brokers: int = 1) -> None:
        self.brokers = brokers
        self.topics: dict[str, tuple[int, dict[str, str]]] = {}
        self.refusals: dict[str, int] = {}
        self.asked: list[NewTopic] = []
        self.open = 0

    def holds(self, *topics: Topic) -> None:
        for topic in topics:
            self.topics[topic.name] = (topic.partitions, dict(topic.config))

    def client(self, **_: Any) -> "Cluster":
        return self

    async def start(self) -> None:
        self.open += 1

    async def close(self) -> None:
        self.open -= 1

    async def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": list(range(self.brokers))}

    async def describe_topics(self) -> list[dict[str, Any]]:
        return [
            {"topic": name, "error_code": 0, "partitions": [{"leader": 0}] * partitions}
            for name, (partitions, _) in self.topics.items()
        ]

    async def create_topics(self, asked: list[NewTopic]) -> Any:
        self.asked += asked
        codes = {one.name: self.refusals.get(one.name, 0) for one in asked}
        for one in asked:
            if codes[one.name] in (0, TOPIC_EXISTS):
                self.topics[one.name] = (one.num_partitions, dict(one.topic_configs))
        return SimpleNamespace(topic_errors=[(name, code, None) for name, code in codes.items()])

    async def describe_configs(self, asked: list[Any]) -> list[Any]:
        resources = [(0, None, 2, one.name, list(self.topics[one.name][1].items())) for one in asked]
        return [SimpleNamespace(resources=resources)]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(admin_module, "AIOKafkaAdminClient", made.client)
    return made


async def test_what_is_missing_is_created_and_what_is_there_is_left_alone(cluster: Cluster) -> None:
    cluster.holds(EVENTS)
    assert await ensure_topics("b", [EVENTS, TABLE]) == ["table"]
    assert await ensure_topics("b", [EVENTS, TABLE]) == []
    assert [one.name for one in cluster.asked] == ["table"]
    assert cluster.open == 0


@pytest.mark.parametrize(("brokers", "replicas", "in_sync"), [(1, 1, None), (2, 2, None), (3, 3, "2"), (9, 3, "2")])
async def test_a_topic_gets_three_replicas_or_as_many_as_there_are_brokers(
    cluster: Cluster, brokers: int, replicas: int, in_sync: str | None
) -> None:
    cluster.brokers = brokers
    await ensure_topics("b", [EVENTS])
    [asked] = cluster.asked
    assert (asked.num_partitions, asked.replication_factor) == (3, replicas)
    assert asked.topic_configs.get("min.insync.replicas") == in_sync
    assert EVENTS.config.items() <= asked.topic_configs.items()


async def test_a_topic_that_another_setup_makes_at_this_moment_is_no_fault(cluster: Cluster) -> None:
    cluster.refusals["events"] = TOPIC_EXISTS
    assert await ensure_topics("b", [EVENTS]) == []


async def test_a_refusal_names_the_topic(cluster: Cluster) -> None:
    cluster.refusals["events"] = NOT_ALLOWED
    with pytest.raises(KafkaRefused, match="topic events cannot be created"):
        await ensure_topics("b", [EVENTS])
    assert cluster.open == 0


async def test_topics_as_they_should_be_pass(cluster: Cluster) -> None:
    cluster.holds(EVENTS, TABLE)
    await verify_topics("b", [EVENTS, TABLE])
    await verify_topics("b", [])


@pytest.mark.parametrize(
    ("differing", "said"),
    [
        (dataclasses.replace(EVENTS, partitions=4), "events has 4 partitions instead of 3"),
        (dataclasses.replace(EVENTS, cleanup="compact"), "events has cleanup.policy=compact instead of delete"),
        (dataclasses.replace(EVENTS, retention_ms=1), "events has retention.ms=1 instead of"),
        (dataclasses.replace(EVENTS, more=(("message.timestamp.type", "CreateTime"),)), "message.timestamp.type"),
    ],
    ids=["partitions", "cleanup", "retention", "timestamps"],
)
async def test_each_difference_is_named_with_what_is_and_what_should_be(
    cluster: Cluster, differing: Topic, said: str
) -> None:
    cluster.holds(differing, TABLE)
    with pytest.raises(SetupMissing, match=said) as refused:
        await verify_topics("b", [EVENTS, TABLE])
    assert "table" not in str(refused.value), "what is well is not mentioned"


async def test_all_that_is_wrong_is_named_at_once_with_the_cure_of_each_kind(cluster: Cluster) -> None:
    cluster.holds(dataclasses.replace(EVENTS, partitions=4, retention_ms=1))
    with pytest.raises(SetupMissing) as refused:
        await verify_topics("b", [EVENTS, TABLE])
    for part in ("topic table is missing", "4 partitions", "retention.ms=1", "setup", "kafka-configs.sh"):
        assert part in str(refused.value)
