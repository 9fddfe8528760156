"""A subscriber that fails for a while: delivered by the retry topics, never early, hardly late."""

import itertools
import secrets
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_contracts.timestamps import parse_timestamp
from carewire_contracts.topics import Topics
from carewire_local.platform import Platform
from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Received, Receiver, failing_first
from carewire_testing_e2e.care_flows import instant_definition, payload_of, webhook_of
from carewire_testing_e2e.house import SETTLED_WITHIN_S, House

pytestmark = pytest.mark.timed

FAILURES = 3
OFFSETS_S = (0.0, 2.0, 6.0, 14.0)
"""When attempts are due after the first one (seconds of the schedule, before the time scale)."""
LARGEST_JITTER = 0.1
"""The share of a step that an attempt may come early."""
LATE_PER_HOP_S = 1.0
HOPS = (1, 2, 2)
"""Topics that a wait of 2, 4 and 8 s passes: its largest tier, and what is left below it."""
TIMESTAMP_S = 0.001
"""What a timestamp in milliseconds cuts off."""


async def waited(platform: Platform) -> int:
    """How many records the retry topics have taken so far."""
    topics = Topics(platform.env["CAREWIRE_TOPIC_PREFIX"], 2)
    names = [topics.tier("fast", seconds).name for seconds in (2, 8)]
    consumer = AIOKafkaConsumer(bootstrap_servers=platform.stack.kafka_bootstrap)
    await consumer.start()
    try:
        ends = await consumer.end_offsets([TopicPartition(name, n) for name in names for n in range(2)])
        return sum(ends.values())
    finally:
        await consumer.stop()


async def test_it_gets_every_event_when_it_recovers(house: House, receiver: Receiver, platform: Platform) -> None:
    scale = float(platform.env["CAREWIRE_TIME_SCALE"])
    definition = instant_definition()
    await house.publish(definition)
    webhook = await house.open_webhook(webhook_of(definition))
    endpoint = await house.subscribe(receiver.url("/flaky", failing_first(FAILURES)), "pathway.completed")
    before = await waited(platform)

    answer = await house.ingress.post(webhook["url"], json=payload_of(secrets.token_hex(4)))
    request = await house.request(answer.json()["request_id"])

    def attempts() -> list[Received]:
        ours = [r for r in receiver.at("/flaky") if orjson.loads(r.body)["pathway"]["id"] == request["care_flow_id"]]
        return ours if len(ours) == FAILURES + 1 else []

    received = await eventually(attempts, SETTLED_WITHIN_S)

    for attempt in received:
        attempt.verify(endpoint["secret"])
    assert len({(attempt.webhook_id, attempt.body) for attempt in received}) == 1
    # How often depends on how late each hop was: what is left of a wait below the shortest tier is held in memory.
    assert await waited(platform) > before

    async def logged() -> list[Any]:
        return [one for one in await house.deliveries(endpoint["id"]) if one["status"] == "delivered"]

    (delivery,) = await eventually(logged, SETTLED_WITHIN_S)
    attempts_made = delivery["attempt_log"]
    assert [attempt["status_code"] for attempt in attempts_made] == [500] * FAILURES + [200]

    # By the worker's own clock: when a call arrives says also how busy the receiver is.
    first, *later = [parse_timestamp(attempt["started_at"]).timestamp() for attempt in attempts_made]
    for started, (earlier, due), hops in zip(later, itertools.pairwise(OFFSETS_S), HOPS, strict=True):
        earliest = (due - LARGEST_JITTER * (due - earlier)) / scale - TIMESTAMP_S
        assert earliest <= started - first <= due / scale + hops * LATE_PER_HOP_S
