"""How far back events and the log reach, asked of a real Kafka."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.attempt_log import attempt_log_group
from carewire_dispatcher.adapters.fan_out import fan_out_group
from carewire_dispatcher.adapters.repair_reach import PATIENCE_S, RepairReach
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.clock import FakeClock, SystemClock
from carewire_runtime.kafka.admin import delete_records
from carewire_testing_dispatcher.deliveries import an_endpoint
from carewire_testing_dispatcher.service import Client

LOG_KEPT = timedelta(days=30)
EVENTS_KEPT = timedelta(milliseconds=Topics().events.retention_ms)
AHEAD = 2**41


@pytest.fixture
def reach(settings: DispatcherSettings, client: Client) -> RepairReach:
    return RepairReach(settings.kafka_bootstrap, client.topics, LOG_KEPT, SystemClock())


@pytest.fixture
def places(settings: DispatcherSettings, client: Client) -> list[TopicPartition]:
    """The partitions of the events."""
    return [TopicPartition(client.topics.events.name, number) for number in range(settings.partitions)]


async def commit(settings: DispatcherSettings, group: str, offsets: dict[TopicPartition, int]) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(list(offsets))
        await consumer.commit(offsets)
    finally:
        await consumer.stop()


async def ends(settings: DispatcherSettings, places: list[TopicPartition]) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap)
    await consumer.start()
    try:
        found: dict[TopicPartition, int] = await consumer.end_offsets(places)
        return found
    finally:
        await consumer.stop()


async def test_events_of_a_range_are_found_as_far_as_fan_out_has_come(
    settings: DispatcherSettings, client: Client, reach: RepairReach, places: list[TopicPartition]
) -> None:
    for _ in range(40):
        await client.publish()
    middle = int(time.time() * 1000) + 1
    while int(time.time() * 1000) <= middle:
        await client.publish("track.started")
    for _ in range(40):
        await client.publish()
    all_ends = await ends(settings, places)
    assert await reach.places([client.topics.events], 0, AHEAD) == [], "fan-out has seen none of them"
    await commit(settings, fan_out_group(client.topics), all_ends)
    whole = await reach.places([client.topics.events], 0, AHEAD)
    assert {(topic, number): (first, following, end) for topic, number, first, following, end in whole} == {
        tuple(place): (0, 0, end) for place, end in all_ends.items()
    }
    earlier = await reach.places([client.topics.events], 0, middle)
    later = await reach.places([client.topics.events], middle, AHEAD)
    assert sum(end - first for _, _, first, _, end in earlier) >= 40
    assert sum(end - first for *_, first, _, end in earlier + later) == sum(all_ends.values())
    assert {place[:2]: place[4] for place in earlier} == {place[:2]: place[2] for place in later}
    assert await reach.places([client.topics.events], middle + 3_600_000, AHEAD) == []


async def test_events_that_were_cut_off_are_told_of_by_the_first_that_is_left(
    settings: DispatcherSettings, client: Client, reach: RepairReach, places: list[TopicPartition]
) -> None:
    events = [client.topics.events]
    for _ in range(40):
        await client.publish()
    assert (await reach.reach(events)).events_from == 0, "nothing was ever cut off"
    now = datetime.now(UTC)
    reach = RepairReach(settings.kafka_bootstrap, client.topics, LOG_KEPT, FakeClock(now + 2 * EVENTS_KEPT))
    await delete_records(settings.kafka_bootstrap, {tuple(place): 2 for place in places})
    left = (await reach.reach(events)).events_from
    assert 0 < left <= now.timestamp() * 1000
    assert set((await reach.begins()).values()) == {0, 2}
    cut_wholly = await ends(settings, places)
    await delete_records(settings.kafka_bootstrap, {tuple(place): end for place, end in cut_wholly.items()})
    gone = datetime.fromtimestamp((await reach.reach(events)).events_from / 1000, UTC)
    assert EVENTS_KEPT <= gone - now < EVENTS_KEPT + timedelta(hours=2), "what is younger would still be there"


async def test_the_log_is_caught_up_once_it_has_read_what_was_there_when_it_was_asked(
    settings: DispatcherSettings, client: Client, reach: RepairReach
) -> None:
    topic = client.topics.attempts
    found = await reach.log_ends()
    assert set(found) == set(range(topic.partitions))
    assert await reach.log_has_read(found)
    assert await reach.log_has_read({})
    assert not await reach.log_has_read({0: found[0] + 1})
    caught_up = await reach.reach([client.topics.events])
    assert caught_up.log_is_caught_up
    assert 0 <= (datetime.now(UTC) - LOG_KEPT).timestamp() - caught_up.log_from / 1000 < 86_400 + 60
    group = attempt_log_group(client.topics)
    await commit(settings, group, {TopicPartition(topic.name, 0): found[0] + 5})
    assert await reach.log_has_read({0: found[0] + 5})


async def test_a_log_that_lags_is_waited_for_for_some_seconds_and_no_longer(
    settings: DispatcherSettings, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    class Impatient(FakeClock):
        """Time that goes on while somebody sleeps."""

        async def sleep(self, seconds: float) -> None:
            asked.append(seconds)
            self.advance(seconds)

    reach = RepairReach(settings.kafka_bootstrap, client.topics, LOG_KEPT, Impatient(datetime.now(UTC)))

    async def never(_: object) -> bool:
        return False

    monkeypatch.setattr(reach, "log_has_read", never)
    assert not (await reach.reach([client.topics.events])).log_is_caught_up
    assert sum(asked) == pytest.approx(PATIENCE_S)


async def test_only_topics_are_read_that_hold_what_the_endpoint_wants(client: Client, reach: RepairReach) -> None:
    topics = client.topics
    for wanted, expected in (
        (None, [topics.events]),
        ({"pathway.completed"}, [topics.events]),
        ({"incoming_webhook.request.failed"}, [topics.incoming_webhooks]),
        ({"pathway.completed", "endpoint.warning"}, [topics.events, topics.endpoint_events]),
    ):
        endpoint = an_endpoint(event_types=None if wanted is None else frozenset(wanted))
        assert reach.topics_of(endpoint) == expected
    assert reach.topics_of(None) == [topics.events, topics.incoming_webhooks, topics.endpoint_events]
