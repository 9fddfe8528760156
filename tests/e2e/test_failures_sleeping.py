"""A worker that sleeps past its session while another takes its work over: it has no second life."""

import secrets
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka.partitioner import murmur2

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.fan_out import fan_out_group
from carewire_local.platform import Platform
from carewire_local.service_process import ServiceProcess
from carewire_runtime.kafka.admin import committed
from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Received, Receiver, Reply
from carewire_testing_e2e.calling import Callers
from carewire_testing_e2e.house import House, ok
from carewire_testing_e2e.more_processes import one_more
from carewire_testing_e2e.outcomes import RECOVERED_WITHIN_S, all_delivered, all_succeed, opened
from carewire_testing_e2e.own_house import PARTITIONS
from carewire_testing_orchestrator.running import read_topic

pytestmark = pytest.mark.timed

EVENTS = 60
CONCURRENCY = 16
"""So some deliveries are under way and the others queue in memory when the worker falls asleep."""
HELD_FOR_S = 4.0
"""Until then no attempt ends: time enough for all events to be fanned out, and less than a session."""


@dataclass(frozen=True)
class Subscriber:
    """An endpoint, where it is served, and which worker's partition its deliveries go to."""

    endpoint: Any
    path: str
    partition: int


class Patience:
    """Receivers that keep each caller waiting, until told to answer at once."""

    def __init__(self) -> None:
        self.over = False

    def script(self, _: Received) -> Reply:
        """Answer late, or at once."""
        return Reply(delay=0.0 if self.over else HELD_FOR_S)


async def one_in_each_partition(house: House, receiver: Receiver, patience: Patience) -> list[Subscriber]:
    """Endpoints such that each of two workers has one to serve."""
    found: dict[int, Subscriber] = {}
    while len(found) < PARTITIONS:
        path = f"/sleeping-{secrets.token_hex(4)}"
        url = receiver.url(path, patience.script)
        fields = {"name": path, "url": url, "event_types": ["pathway.completed"], "concurrency": CONCURRENCY}
        endpoint = await ok(house.dispatcher.post("/v1/endpoints", json=fields))
        partition = (murmur2(endpoint["id"].encode()) & 0x7FFFFFFF) % PARTITIONS
        if partition in found:
            await ok(house.dispatcher.delete(f"/v1/endpoints/{endpoint['id']}"))
        else:
            found[partition] = Subscriber(endpoint, path, partition)
    return list(found.values())


class Lane:
    """The topic of fresh deliveries, and what the workers have committed of it."""

    def __init__(self, platform: Platform) -> None:
        self._bootstrap = platform.stack.kafka_bootstrap
        self._topics = Topics(platform.env["CAREWIRE_TOPIC_PREFIX"], PARTITIONS)

    async def records_of(self, endpoint_id: str) -> list[Any]:
        """The deliveries of an endpoint."""
        records = await read_topic(self._bootstrap, self._topics.deliveries("fast"))
        return [record for record in records if record.key == endpoint_id.encode()]

    async def fan_out_is_committed(self) -> bool:
        """Whether fan-out, which falls asleep as well, has nothing to repeat when it wakes up."""
        events = await read_topic(self._bootstrap, self._topics.events)
        ends = {(record.topic, record.partition): record.offset + 1 for record in events}
        reached = await committed(self._bootstrap, fan_out_group(self._topics))
        return all(reached[place][0] >= end for place, end in ends.items())


def copies(received: list[Received]) -> dict[str, int]:
    """How often each delivery arrived."""
    times: dict[str, int] = {}
    for one in received:
        times[one.webhook_id] = times.get(one.webhook_id, 0) + 1
    return times


def shares(worker: ServiceProcess, since: int) -> list[str]:
    """Lines of a worker's log in which it was given one of the two partition numbers."""
    text = worker.log.read_text()[since:]
    return [line for line in text.splitlines() if '"partitions_assigned"' in line and '"partitions":1' in line]


async def test_it_drops_what_it_held_and_rejoins(house: House, receiver: Receiver) -> None:
    platform, lane, patience = house.platform, Lane(house.platform), Patience()
    webhook = await opened(house)
    subscribers = await one_in_each_partition(house, receiver, patience)
    sleeper = platform.supervisor["dispatcher"]
    with one_more(platform, "dispatcher", "worker") as (successor, _):
        await eventually(lambda: shares(sleeper, 0) and shares(successor, 0), RECOVERED_WITHIN_S)
        callers = Callers(house, webhook)
        for _ in range(EVENTS):
            await callers.call()

        async def all_fanned_out() -> bool:
            written = [len(await lane.records_of(s.endpoint["id"])) for s in subscribers]
            return min(written) == EVENTS and await lane.fan_out_is_committed()

        await eventually(all_fanned_out, RECOVERED_WITHIN_S, pause=0.05)
        sleeper.pause()
        patience.over = True
        log_before = sleeper.log.stat().st_size
        under_way = {one.webhook_id for one in receiver.received}

        await eventually(
            lambda: all(len(copies(receiver.at(s.path))) == EVENTS for s in subscribers), RECOVERED_WITHIN_S
        )
        sleeper.resume()
        await eventually(lambda: shares(sleeper, log_before), RECOVERED_WITHIN_S)
        await eventually(lambda: platform.supervisor.not_ready() == {}, RECOVERED_WITHIN_S)
        assert successor.alive
        assert '"session_lost"' in sleeper.log.read_text()[log_before:]

        care_flows = await all_succeed(house, callers.accepted_ids)
        for subscriber in subscribers:
            await all_delivered(house, receiver, subscriber.endpoint, subscriber.path, care_flows)
        times = [copies(receiver.at(subscriber.path)) for subscriber in subscribers]
        repeated = [webhook_id for each in times for webhook_id, count in each.items() if count > 1]
        assert max(count for each in times for count in each.values()) <= 2
        # The sleep cuts off what was under way at the sleeper, the change of owners what was at its successor.
        assert len(repeated) <= CONCURRENCY * len(subscribers)
        assert set(repeated) <= under_way, "nothing is sent again that was not under way, and nothing after the sleep"

        arrived = len(receiver.received)
        await callers.call()
        await eventually(lambda: len(receiver.received) == arrived + len(subscribers), RECOVERED_WITHIN_S)
    for subscriber in subscribers:
        await ok(house.dispatcher.delete(f"/v1/endpoints/{subscriber.endpoint['id']}"))
