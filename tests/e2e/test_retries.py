"""A subscriber that fails for a while: delivered by the retry topics, never early, hardly late."""

import itertools
import secrets
from typing import Any

import orjson
import pytest

from carewire_contracts.timestamps import parse_timestamp
from carewire_contracts.topics import Topics
from carewire_local.platform import Platform
from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Received, Receiver, failing_first
from carewire_testing_e2e.care_flows import instant_definition, payload_of, webhook_of
from carewire_testing_e2e.house import SETTLED_WITHIN_S, House
from carewire_testing_e2e.topic_ends import ends_of

pytestmark = pytest.mark.timed

FAILURES = 3
OFFSETS_S = (0.0, 2.0, 6.0, 14.0)
"""When attempts are due after the first one (seconds of the schedule, before the time scale)."""
LARGEST_JITTER = 0.1
"""The share of a step that an attempt may come early."""
LATE_PER_HOP_S = 1.0
HOPS = (1, 2, 2)
"""Topics that a wait of 2, 4 and 8 s passes: its largest tier, and what is left below it."""
SHORTEST_TIER_S = 2.0
TIMESTAMP_S = 0.001
"""What a timestamp in milliseconds cuts off."""


async def waited(platform: Platform) -> int:
    """How many records the retry topics have taken so far."""
    topics = Topics(platform.env["CAREWIRE_TOPIC_PREFIX"], 2)
    ends = await ends_of(platform, *(topics.tier("fast", seconds) for seconds in (2, 8)))
    return sum(ends.values())


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

    async def logged() -> list[Any]:
        return [one for one in await house.deliveries(endpoint["id"]) if one["status"] == "delivered"]

    (delivery,) = await eventually(logged, SETTLED_WITHIN_S)
    attempts_made = delivery["attempt_log"]
    assert [attempt["status_code"] for attempt in attempts_made] == [500] * FAILURES + [200]

    # By the worker's own clock: when a call arrives says also how busy the receiver is.
    started = [parse_timestamp(attempt["started_at"]).timestamp() for attempt in attempts_made]
    soonest = [
        (due - LARGEST_JITTER * (due - earlier)) / scale - TIMESTAMP_S for earlier, due in itertools.pairwise(OFFSETS_S)
    ]
    for at, earliest, due, hops in zip(started[1:], soonest, OFFSETS_S[1:], HOPS, strict=True):
        assert earliest <= at - started[0] <= due / scale + hops * LATE_PER_HOP_S

    # What is left of a wait below the shortest tier is held in memory: after attempts that came late, that may be all.
    ends = [at + attempt["duration_ms"] / 1000 for at, attempt in zip(started, attempts_made, strict=True)]
    left = [started[0] + earliest - end for earliest, end in zip(soonest, ends[:-1], strict=True)]
    if max(left) > 2 * SHORTEST_TIER_S / scale:
        assert await waited(platform) > before
