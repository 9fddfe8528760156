"""Every topic in one table: partitions, key, cleanup, retention, and who sets it up."""

from datetime import timedelta

import pytest

from carewire_contracts.topics import FOREVER, LANES, TIERS, Topic, Topics

WEEK = 7 * 86_400_000
MONTH = 30 * 86_400_000
TOPICS = Topics(partitions=12)
BY_NAME = {topic.name: topic for topic in TOPICS.all()}

# name: partitions, key, cleanup, retention, services that set it up
TABLE: dict[str, tuple[int, str, str, int, str]] = {
    "ingress.requests": (12, "request id", "delete", WEEK, "ingress orchestrator"),
    "ingress.refused": (12, "request id", "delete", WEEK, "ingress"),
    "ingress.webhooks": (1, "webhook id", "compact", FOREVER, "ingress"),
    "ingress.dead": (12, "as the source", "delete", FOREVER, "ingress"),
    "orchestrator.catalogue": (
        1,
        "definition/ID or identifier-system/URI",
        "compact",
        FOREVER,
        "ingress orchestrator",
    ),
    "orchestrator.dead": (12, "as the source", "delete", FOREVER, "orchestrator"),
    "carewire.events": (12, "patient id", "delete", MONTH, "orchestrator dispatcher"),
    "carewire.incoming-webhooks": (12, "request id", "delete", MONTH, "ingress orchestrator dispatcher"),
    "carewire.endpoints": (12, "endpoint id", "delete", MONTH, "dispatcher"),
    "dispatcher.endpoints": (1, "endpoint id", "compact", FOREVER, "dispatcher"),
    "dispatcher.health": (1, "endpoint id", "compact", FOREVER, "dispatcher"),
    "dispatcher.repairs": (1, "repair id", "compact", FOREVER, "dispatcher"),
    "dispatcher.attempts": (12, "endpoint id", "delete", WEEK, "dispatcher"),
    "dispatcher.dead": (12, "as the source", "delete", FOREVER, "dispatcher"),
    **{f"dispatcher.{lane}.deliveries": (12, "endpoint id", "delete", FOREVER, "dispatcher") for lane in LANES},
    **{
        f"dispatcher.{lane}.retry.{seconds}s": (12, "endpoint id", "delete", FOREVER, "dispatcher")
        for lane in LANES
        for seconds in TIERS
    },
}


def test_there_is_no_other_topic() -> None:
    assert set(BY_NAME) == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_a_topic_is_as_the_table_says(name: str) -> None:
    partitions, key, cleanup, retention, services = TABLE[name]
    topic = BY_NAME[name]
    assert (topic.partitions, topic.key, topic.cleanup, topic.retention_ms) == (partitions, key, cleanup, retention)
    set_up_by = {service: getattr(TOPICS, service)() for service in ("ingress", "orchestrator", "dispatcher")}
    assert [service for service, topics in set_up_by.items() if topic in topics] == services.split()


@pytest.mark.parametrize("name", TABLE)
def test_its_configuration_is_in_kafka_s_own_words(name: str) -> None:
    topic = BY_NAME[name]
    assert topic.config["cleanup.policy"] == topic.cleanup
    assert topic.config["retention.ms"] == str(topic.retention_ms)
    assert topic.config["message.timestamp.type"] == "LogAppendTime"
    assert int(topic.config["segment.bytes"]) == topic.segment_bytes > 0
    assert all(isinstance(value, str) for value in topic.config.values())


@pytest.mark.parametrize("name", ["ingress.requests", "ingress.refused", "ingress.dead", "orchestrator.dead"])
def test_records_with_a_whole_body_in_base64_have_room(name: str) -> None:
    body, margin = 2 * 1024 * 1024, 2
    assert int(BY_NAME[name].config["max.message.bytes"]) >= body * 4 / 3 * margin


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row[2] == "compact"])
def test_a_table_is_compacted_soon_so_that_a_start_reads_no_history(name: str) -> None:
    assert BY_NAME[name].config["min.cleanable.dirty.ratio"] == "0.2"
    assert BY_NAME[name].config["delete.retention.ms"] == str(86_400_000)


@pytest.mark.parametrize("prefix", ["", "north.", "test-17-"])
@pytest.mark.parametrize("partitions", [1, 2, 48])
def test_prefix_and_count_change_nothing_else(prefix: str, partitions: int) -> None:
    topics = Topics(prefix=prefix, partitions=partitions).all()
    assert [topic.name for topic in topics] == [prefix + name for name in BY_NAME]
    for topic in topics:
        plain = BY_NAME[topic.name.removeprefix(prefix)]
        assert topic.config == plain.config
        assert topic.partitions == (1 if plain.cleanup == "compact" else partitions)


def test_two_deployments_of_one_cluster_share_nothing() -> None:
    north, south = ({topic.name for topic in Topics(prefix=prefix).all()} for prefix in ("north.", "south."))
    assert not north & south


@pytest.mark.parametrize("days", [1, 30, 365])
def test_the_retention_of_public_topics_is_a_setting_and_of_no_other(days: int) -> None:
    topics = Topics(events_retention=timedelta(days=days))
    changed = {topic.name for topic in topics.all() if topic.retention_ms == days * 86_400_000}
    public = {topics.events.name, topics.incoming_webhooks.name, topics.endpoint_events.name}
    assert public <= changed
    others = [topic for topic in topics.all() if topic.name not in public]
    assert [(topic.name, topic.retention_ms) for topic in others] == [
        (topic.name, BY_NAME[topic.name].retention_ms) for topic in others
    ]


def test_any_wait_of_up_to_a_day_is_a_short_walk_down_the_tiers() -> None:
    for wait in (2, 3, 60, 3_600, 12_345, 86_400):
        left, steps = wait, 0
        for tier in sorted(TIERS, reverse=True):
            steps += left // tier
            left %= tier
        assert left < min(TIERS)
        assert steps <= 3 * len(TIERS)


def test_tiers_are_powers_of_four_from_two_seconds() -> None:
    assert list(TIERS) == [2 * 4**step for step in range(len(TIERS))]


def test_a_topic_is_a_value() -> None:
    assert Topic("a", 1, "k") == Topic("a", 1, "k")
    assert len({Topic("a", 1, "k"), Topic("a", 1, "k"), Topic("a", 2, "k")}) == 2
