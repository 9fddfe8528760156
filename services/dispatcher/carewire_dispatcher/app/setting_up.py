"""What has to be there before anything is served: tables, topics, and the places where each group begins to read."""

import sys
from typing import Final, Literal

import orjson

from carewire_contracts.topics import LANES, TIERS, Topic, Topics
from carewire_dispatcher.adapters.attempt_log import attempt_log_group
from carewire_dispatcher.adapters.consumers import lanes_group, wheel_group
from carewire_dispatcher.adapters.fan_out import fan_out_group, status_fan_out_group
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.auth import ApiKeys
from carewire_runtime.errors import SetupMissing
from carewire_runtime.kafka.admin import commit_initial_offsets, committed, ensure_topics, verify_topics
from carewire_runtime.postgres.migrations import migrate
from carewire_runtime.postgres.pool import Database

SERVICE: Final = "dispatcher"
PACKAGE: Final = "carewire_dispatcher"


def topics_of(settings: DispatcherSettings) -> Topics:
    """Name the topics of this deployment."""
    return Topics(settings.topic_prefix, settings.partitions)


def consumed(topics: Topics) -> dict[str, tuple[list[Topic], Literal["end", "start"]]]:
    """List each group's topics, and where it begins: fan-out at the end, for history is not news."""
    return {
        fan_out_group(topics): ([topics.events], "end"),
        status_fan_out_group(topics): ([topics.incoming_webhooks, topics.endpoint_events], "end"),
        lanes_group(topics): ([topics.deliveries(lane) for lane in LANES], "start"),
        wheel_group(topics): ([topics.tier(lane, tier) for lane in LANES for tier in TIERS], "start"),
        attempt_log_group(topics): ([topics.attempts], "start"),
    }


async def setup(settings: DispatcherSettings) -> None:
    """Make tables, topics, initial offsets and the first API key; prints the key if it was made."""
    topics, bootstrap = topics_of(settings), settings.kafka_bootstrap
    db = Database(settings.postgres_dsn, SERVICE)
    await db.start(wait=True)
    try:
        await migrate(db, PACKAGE)
        await ensure_topics(bootstrap, topics.dispatcher())
        await verify_topics(bootstrap, topics.dispatcher())
        for group, (read, at) in consumed(topics).items():
            await commit_initial_offsets(bootstrap, group, read, at)
        key = await ApiKeys(db).ensure_first(plaintext=settings.bootstrap_api_key)
        if key is not None:
            sys.stdout.write(orjson.dumps({"api_key": key}).decode() + "\n")
    finally:
        await db.stop()


async def verify(settings: DispatcherSettings) -> None:
    """Raise SetupMissing where something that `setup` makes is missing. Waits for Kafka, not for Postgres."""
    topics, bootstrap = topics_of(settings), settings.kafka_bootstrap
    await verify_topics(bootstrap, topics.dispatcher())
    for group, (read, _) in consumed(topics).items():
        known = await committed(bootstrap, group)
        wanted = {(topic.name, number) for topic in read for number in range(topic.partitions)}
        if not wanted <= known.keys():
            raise SetupMissing(f"group {group} has no committed offsets; run carewire-dispatcher setup")
