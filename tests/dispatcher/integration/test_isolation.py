"""A bad neighbour hurts nobody: one endpoint that hangs with a backlog, and one that gets ten times what it bears."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.health_record import decode_breaker
from carewire_dispatcher.domain.breaker import CLOSED, Breaker
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.kafka.table import CompactedTable
from carewire_testing import eventually
from carewire_testing.free_ports import free_port
from carewire_testing_dispatcher.receiver import Receiver, Reply
from carewire_testing_dispatcher.service import Client, in_process

HEALTHY = 4
EVENTS = 60
BACKLOG = 400
RATE_PER_S = 5
FLOOD = 200
CALLS_END_AFTER_S = 10


@pytest.fixture
def dispatcher(own_dispatcher: Client) -> Client:
    """All roles for each test anew: another test here runs some of them by itself."""
    return own_dispatcher


async def _latencies(client: Client, hooks: Receiver) -> list[float]:
    """Publish events for the healthy endpoints, one after the other; how long each took to arrive, in seconds."""
    published = {}
    for _ in range(EVENTS):
        at = time.time()
        event_id, _ = await client.publish("track.started")
        published[event_id] = at
    paths = [f"/healthy-{number}" for number in range(HEALTHY)]

    def arrived() -> bool:
        return all({call.webhook_id for call in hooks.at(path)} >= published.keys() for path in paths)

    await eventually(arrived, timeout=CALLS_END_AFTER_S - 1)
    calls = [call for path in paths for call in hooks.at(path) if call.webhook_id in published]
    return [call.at - published[call.webhook_id] for call in calls]


@pytest.mark.timed
async def test_neither_a_backlog_that_hangs_nor_a_flood_delays_the_deliveries_of_others(
    dispatcher: Client, hooks: Receiver
) -> None:
    hanging = hooks.url("/hanging", lambda _: Reply(hang=True))
    await dispatcher.create_endpoint(hanging, event_types=["reminder.created"])
    await dispatcher.create_endpoint(hooks.url("/flooded"), event_types=["form.submitted"], rate_per_s=RATE_PER_S)
    for number in range(HEALTHY):
        await dispatcher.create_endpoint(hooks.url(f"/healthy-{number}"), event_types=["track.started"])
    alone = await _latencies(dispatcher, hooks)

    began = time.time()
    await asyncio.gather(*(dispatcher.publish("reminder.created") for _ in range(BACKLOG)))
    await asyncio.gather(*(dispatcher.publish("form.submitted") for _ in range(FLOOD)))
    beside = await _latencies(dispatcher, hooks)

    assert len(beside) == len(alone) == HEALTHY * EVENTS
    # All of them arrived before one call of those that hang was over, and while most of the flood waits for its turn.
    assert 1 <= len(hooks.at("/hanging")) <= 16
    taken = time.time() - began
    assert 1 <= len(hooks.at("/flooded")) <= 1 + 1.1 * RATE_PER_S * taken
    assert statistics.median(beside) <= 3 * statistics.median(alone) + 0.2
    hooks.release()


@asynccontextmanager
async def following(settings: DispatcherSettings) -> AsyncIterator[CompactedTable[Breaker]]:
    """What is known of endpoints, as the next worker would read it."""
    health = CompactedTable(settings.kafka_bootstrap, Topics(settings.topic_prefix).health.name, decode_breaker)
    stop = asyncio.Event()
    running = asyncio.create_task(health.run(stop))
    await health.ready()
    yield health
    stop.set()
    await running


async def test_a_worker_that_takes_over_leaves_alone_whom_the_one_before_it_left_alone(
    settings: DispatcherSettings, client: Client, hooks: Receiver
) -> None:
    async with in_process(settings, "api", "fan-out"):
        await client.ready()
        failing = await client.create_endpoint(hooks.url("/left-alone"), event_types=["track.stopped"])
        await client.create_endpoint(hooks.url("/well"), event_types=["track.stopped"])
        breaker = Breaker(is_open=True, since=int(time.time() * 1000) + 60_000, pause=60_000)
        await client.tell_health(failing["id"], breaker)
        await client.tell_health("deleted", breaker)
        events = [(await client.publish("track.stopped"))[0] for _ in range(20)]
        async with in_process(settings.model_copy(update={"http_port": free_port()}), "worker", "attempt-log"):
            await eventually(lambda: len(hooks.at("/well")) == len(events), timeout=20)
            assert hooks.at("/left-alone") == []
            async with following(settings) as health:
                await eventually(lambda: health.get("deleted") is None, timeout=20)
                assert health.get(failing["id"]) == breaker, "only what is known of the deleted goes"
            await client.tell_health(failing["id"], CLOSED)
        async with in_process(settings.model_copy(update={"http_port": free_port()}), "worker", "attempt-log"):
            event_id, _ = await client.publish("track.stopped")
            await eventually(lambda: [call.webhook_id for call in hooks.at("/left-alone")] == [event_id], timeout=20)
        await client.delete_endpoints()
