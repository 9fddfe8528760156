"""Topics: what they are called, and which properties the promises lean on."""

from datetime import timedelta

import pytest

from carewire_contracts.topics import FOREVER, LANES, TIERS, Topic, Topics

TOPICS = Topics(prefix="t.", partitions=4)


@pytest.mark.parametrize("topic", TOPICS.all(), ids=lambda topic: topic.name)
def test_every_topic_is_prefixed_and_stamped_by_the_broker(topic: Topic) -> None:
    assert topic.name.startswith("t.")
    assert topic.config["message.timestamp.type"] == "LogAppendTime"


def test_names_are_unique() -> None:
    names = [topic.name for topic in TOPICS.all()]
    assert len(names) == len(set(names))


def test_tables_are_compacted_in_one_partition_and_never_expire() -> None:
    for topic in (TOPICS.webhooks, TOPICS.catalogue, TOPICS.endpoints):
        assert (topic.cleanup, topic.partitions, topic.retention_ms) == ("compact", 1, FOREVER)


def test_what_waits_for_a_retry_never_expires_by_age_and_shares_one_partition_count() -> None:
    wheel = [TOPICS.deliveries(lane) for lane in LANES] + [TOPICS.tier(lane, s) for lane in LANES for s in TIERS]
    assert {(topic.retention_ms, topic.partitions) for topic in wheel} == {(FOREVER, 4)}
    assert len(wheel) == 18


def test_dead_letters_are_kept_until_an_operator_looked() -> None:
    for topic in (TOPICS.ingress_dead, TOPICS.orchestrator_dead, TOPICS.dispatcher_dead):
        assert topic.retention_ms == FOREVER


def test_a_tier_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no retry topic of 3 s"):
        TOPICS.tier("fast", 3)


def test_public_events_are_kept_for_the_retention_that_was_set() -> None:
    topics = Topics(events_retention=timedelta(days=2))
    assert topics.events.config["retention.ms"] == str(2 * 86_400_000)
    assert topics.incoming_webhooks.retention_ms == topics.events.retention_ms


def test_public_names_are_those_of_the_documents() -> None:
    topics = Topics()
    assert topics.events.name == "carewire.events"
    assert topics.incoming_webhooks.name == "carewire.incoming-webhooks"
    assert topics.tier("bulk", 32768).name == "dispatcher.bulk.retry.32768s"


def test_every_service_sets_up_what_it_reads_and_writes() -> None:
    assert TOPICS.requests in TOPICS.ingress()
    assert TOPICS.requests in TOPICS.orchestrator()
    assert TOPICS.catalogue in TOPICS.ingress()
    assert TOPICS.events in TOPICS.dispatcher()
    assert set(TOPICS.all()) == {*TOPICS.ingress(), *TOPICS.orchestrator(), *TOPICS.dispatcher()}
