"""A worker that sleeps past its session while another takes its work over: it has no second life."""

import secrets
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka.partitioner import murmur2

from carewire_contracts.timestamps import parse_timestamp
from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.fan_out import fan_out_group
from carewire_local.platform import Platform
from carewire_local.service_process import ServiceProcess
from carewire_runtime.kafka.admin import committed
from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Received, Receiver, Reply
from carewire_testing_e2e.calling import Callers
from carewire_testing_e2e.house import House
from carewire_testing_e2e.log_lines import said
from carewire_testing_e2e.more_processes import one_more
from carewire_testing_e2e.outcomes import RECOVERED_WITHIN_S, all_delivered, all_succeed, opened
from carewire_testing_e2e.own_house import PARTITIONS
from carewire_testing_e2e.topic_ends import ends_of

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
        endpoint = await house.subscribe(url, "pathway.completed", concurrency=CONCURRENCY)
        partition = (murmur2(endpoint["id"].encode()) & 0x7FFFFFFF) % PARTITIONS
        if partition in found:
            await house.unsubscribe(endpoint)
        else:
            found[partition] = Subscriber(endpoint, path, partition)
    return list(found.values())


class Lane:
    """The topic of fresh deliveries, and how far fan-out has come with it."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._topics = Topics(platform.env["CAREWIRE_TOPIC_PREFIX"], PARTITIONS)

    async def written(self) -> Counter[int]:
        """How many deliveries each partition was ever given; what of them is finished may be purged by now."""
        ends = await ends_of(self._platform, self._topics.deliveries("fast"))
        return Counter({place.partition: end for place, end in ends.items()})

    async def fan_out_is_committed(self) -> bool:
        """Whether fan-out, which falls asleep as well, has nothing to repeat when it wakes up."""
        ends = await ends_of(self._platform, self._topics.events)
        reached = await committed(self._platform.stack.kafka_bootstrap, fan_out_group(self._topics))
        return all(reached[place.topic, place.partition][0] >= end for place, end in ends.items())


def copies(received: list[Received]) -> dict[str, int]:
    """How often each delivery arrived."""
    times: dict[str, int] = {}
    for one in received:
        times[one.webhook_id] = times.get(one.webhook_id, 0) + 1
    return times


def given(worker: ServiceProcess, partitions: int, since: int = 0) -> list[Any]:
    """Lines of a worker's log by which it was given so many of the partition numbers."""
    return [line for line in said(worker, "partitions_assigned", since=since) if line["partitions"] == partitions]


async def test_it_drops_what_it_held_and_rejoins(house: House, receiver: Receiver) -> None:
    platform, lane, patience = house.platform, Lane(house.platform), Patience()
    webhook = await opened(house)
    subscribers = await one_in_each_partition(house, receiver, patience)
    sleeper = platform.supervisor["dispatcher"]
    alone_until = sleeper.log.stat().st_size
    with one_more(platform, "dispatcher", "worker") as (successor, _):
        await eventually(lambda: given(sleeper, 1, alone_until) and given(successor, 1), RECOVERED_WITHIN_S)
        callers, before = Callers(house, webhook), await lane.written()
        for _ in range(EVENTS):
            await callers.call()

        async def all_fanned_out() -> bool:
            written = await lane.written()
            each_has_all = all(written[s.partition] - before[s.partition] >= EVENTS for s in subscribers)
            return each_has_all and await lane.fan_out_is_committed()

        await eventually(all_fanned_out, RECOVERED_WITHIN_S, pause=0.05)
        sleeper.pause()
        patience.over = True
        log_before, heir_before = sleeper.log.stat().st_size, successor.log.stat().st_size

        await eventually(
            lambda: all(len(copies(receiver.at(s.path))) == EVENTS for s in subscribers), RECOVERED_WITHIN_S
        )
        sleeper.resume()
        await eventually(lambda: given(sleeper, 1, log_before), RECOVERED_WITHIN_S)
        await eventually(lambda: platform.supervisor.not_ready() == {}, RECOVERED_WITHIN_S)
        assert successor.alive
        assert said(sleeper, "session_lost", since=log_before)

        care_flows = await all_succeed(house, callers.accepted_ids)
        for subscriber in subscribers:
            await all_delivered(house, receiver, subscriber.endpoint, subscriber.path, care_flows)
        times = [copies(receiver.at(subscriber.path)) for subscriber in subscribers]
        repeated = [webhook_id for each in times for webhook_id, count in each.items() if count > 1]
        assert max(count for each in times for count in each.values()) <= 2
        # The sleep cuts off what was under way at the sleeper, the change of owners what was at its successor.
        assert len(repeated) <= CONCURRENCY * len(subscribers)
        # Until the successor has both partitions, the sleeper's gets nothing new, and its own may have to be let go.
        inherited = parse_timestamp(given(successor, PARTITIONS, heir_before)[0]["time"]).timestamp()
        under_way = {one.webhook_id for one in receiver.received if one.at < inherited}
        assert set(repeated) <= under_way, "nothing is sent again that was not under way, and nothing after the sleep"

        await callers.call()
        await eventually(
            lambda: all(len(copies(receiver.at(s.path))) == EVENTS + 1 for s in subscribers), RECOVERED_WITHIN_S
        )
