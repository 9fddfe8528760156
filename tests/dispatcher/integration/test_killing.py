"""What must hold when a worker is killed, leaves, or comes: nothing is lost, ids and bytes stay the same."""

import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_dispatcher.adapters.committer import purge
from carewire_dispatcher.adapters.consumers import wheel_group
from carewire_dispatcher.adapters.source import Source
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.admin import committed
from carewire_testing import eventually
from carewire_testing.free_ports import free_port
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.receiver import Received, Receiver, Reply, failing_first
from carewire_testing_dispatcher.service import Client, Process, in_process

COUNT = 150


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "dispatcher.log"


def _mentions(log: Path, text: str) -> bool:
    return text in log.read_text()


async def _publish_all(client: Client, event_type: str) -> dict[str, bytes]:
    return dict([await client.publish(event_type) for _ in range(COUNT)])


async def _all_arrived(hooks: Receiver, path: str, events: dict[str, bytes]) -> None:
    def arrived() -> bool:
        answered = {call.webhook_id for call in hooks.at(path)}
        assert events.keys() - answered == set()
        return True

    await eventually(arrived, timeout=30)
    assert all(call.body == events[call.webhook_id] for call in hooks.at(path))


async def test_a_killed_worker_loses_nothing_and_repeats_little(
    settings: DispatcherSettings, client: Client, hooks: Receiver, log: Path
) -> None:
    succeeded: list[str] = []
    flaky = failing_first(1, every=3)

    def script(received: Received) -> Reply:
        reply = flaky(received)
        if reply.status == 200:
            succeeded.append(received.webhook_id)
        return reply

    worker = settings.model_copy(update={"http_port": free_port()})
    async with in_process(settings, "api", "fan-out", "attempt-log"):
        with Process(worker, log, "worker") as first:
            async with Client(worker) as seen:
                await seen.ready()
            await client.ready()
            await client.create_endpoint(hooks.url("/killed", script), event_types=["track.started"])
            events = await _publish_all(client, "track.started")
            await eventually(lambda: len(succeeded) > COUNT // 3, timeout=20)
            first.kill()
            with Process(worker, log, "worker"):
                await eventually(lambda: set(succeeded) == events.keys(), timeout=40)
                await _all_arrived(hooks, "/killed", events)

                async def all_logged() -> bool:
                    page = await client.http.get("/v1/deliveries", params={"limit": 200, "status": "delivered"})
                    return len(page.json()["items"]) == COUNT

                await eventually(all_logged, timeout=20)
        await client.delete_endpoints()
    # All was published within the 500 ms between two commits, so each may repeat twice: its first record is read
    # again and leads to a chain of its own, and the record of its retry is read again.
    assert len(succeeded) <= 3 * COUNT
    assert not _mentions(log, "/killed"), "of an endpoint's URL only the host is logged"


async def test_what_a_killed_worker_had_written_but_not_committed_is_not_done_again(
    settings: DispatcherSettings, client: Client, hooks: Receiver
) -> None:
    """Of each delivery both its record and its next hop are there, as after a kill between write and commit."""
    worker = settings.model_copy(update={"http_port": free_port()})
    async with in_process(settings, "api", "fan-out"):
        await client.ready()
        endpoint = await client.create_endpoint(hooks.url("/written"), event_types=["track.stopped"])
        now = int(time.time() * 1000)
        written = [
            a_delivery(id=new_id(), event_id=new_id(), endpoint_id=endpoint["id"], due_at=now) for _ in range(20)
        ]
        due_at = now + 2_000
        for number, delivery in enumerate(written):
            await client.write("fast", None, delivery)
            following = delivery.attempted(now).retried(1, due_at)
            await client.write(*(("bulk", 2, following) if number % 2 else ("fast", None, following)))
        async with in_process(worker, "worker"):
            await eventually(lambda: len(hooks.at("/written")) >= 20, timeout=20)
            event_id, _ = await client.publish("track.stopped")
            await eventually(lambda: hooks.at("/written")[-1].webhook_id == event_id)
        await client.delete_endpoints()
    assert len(hooks.at("/written")) == 21
    assert min(call.at for call in hooks.at("/written")[:20]) * 1000 >= due_at


async def test_two_workers_share_the_partitions_and_a_third_changes_nothing(
    settings: DispatcherSettings, client: Client, hooks: Receiver, log: Path
) -> None:
    second = settings.model_copy(update={"http_port": free_port()})
    async with in_process(settings):
        await client.ready()
        for number in range(6):
            await client.create_endpoint(hooks.url(f"/shared-{number}"), event_types=["track.stopped"])
        events = await _publish_all(client, "track.stopped")
        with Process(second, log, "worker") as other:
            async with Client(second) as seen:
                await seen.ready()
            events |= await _publish_all(client, "track.stopped")
            for number in range(6):
                await _all_arrived(hooks, f"/shared-{number}", events)
            assert other.stop() == 0
        events |= await _publish_all(client, "track.stopped")
        for number in range(6):
            await _all_arrived(hooks, f"/shared-{number}", events)
        await client.delete_endpoints()


async def test_an_ordered_stop_repeats_nothing(settings: DispatcherSettings, client: Client, hooks: Receiver) -> None:
    async with in_process(settings):
        await client.ready()
        await client.create_endpoint(hooks.url("/once"), event_types=["session.started"])
        events = await _publish_all(client, "session.started")
        await _all_arrived(hooks, "/once", events)
    async with in_process(settings):
        await client.ready()
        more = await _publish_all(client, "session.started")
        await _all_arrived(hooks, "/once", events | more)
        await client.delete_endpoints()
    assert len(hooks.at("/once")) == 2 * COUNT


async def test_an_ordered_stop_starts_nothing_that_it_would_cut_off(
    settings: DispatcherSettings, client: Client, hooks: Receiver
) -> None:
    """What queues at a full endpoint is left to the next worker."""
    url, concurrency = hooks.url("/queue", lambda _: Reply(delay=0.3)), 4
    async with in_process(settings):
        await client.ready()
        await client.create_endpoint(url, event_types=["session.expired"], concurrency=concurrency)
        events = dict([await client.publish("session.expired") for _ in range(5 * concurrency)])
        await eventually(lambda: len(hooks.at("/queue")) >= concurrency)
    async with in_process(settings):
        await client.ready()
        await _all_arrived(hooks, "/queue", events)
        await client.delete_endpoints()
    assert len(hooks.at("/queue")) == len(events)


async def test_positions_in_the_tiers_outlive_the_worker(
    settings: DispatcherSettings, client: Client, hooks: Receiver
) -> None:
    async with in_process(settings):
        await client.ready()
        # Long enough that a hop that comes late leads through this tier too: a shorter rest goes by the one before.
        asks_to_wait = failing_first(1, Reply(429, {"Retry-After": "3"}), every=3)
        await client.create_endpoint(hooks.url("/tiers", asks_to_wait), event_types=["session.completed"])
        events = await _publish_all(client, "session.completed")
        await eventually(lambda: len(hooks.at("/tiers")) == COUNT + COUNT // 3, timeout=30)
        await client.delete_endpoints()
    positions = await committed(settings.kafka_bootstrap, wheel_group(client.topics))
    walked = [offset for (topic, _), (offset, _) in positions.items() if topic == client.topics.tier("fast", 8).name]
    assert sum(walked) >= COUNT // 3
    await _purged(settings, positions)
    assert {call.webhook_id for call in hooks.at("/tiers")} == events.keys()


async def _purged(settings: DispatcherSettings, positions: dict[tuple[str, int], tuple[int, str]]) -> None:
    """What is committed is deleted from the topics, and nothing behind it."""
    restored = []
    for place, (offset, metadata) in positions.items():
        source = Source(TopicPartition(*place), "fast", 2, 0, 1)
        source.restore(offset, metadata)
        restored.append(source)
    await purge(settings.kafka_bootstrap, restored)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap)
    await consumer.start()
    try:
        begins = await consumer.beginning_offsets([source.place for source in restored])
    finally:
        await consumer.stop()
    assert begins == {TopicPartition(*place): offset for place, (offset, _) in positions.items()}
    assert all(source.purged == offset for source, (offset, _) in zip(restored, positions.values(), strict=True))


async def test_a_worker_that_slept_past_its_session_joins_again_and_works(
    settings: DispatcherSettings, client: Client, hooks: Receiver, log: Path
) -> None:
    worker = settings.model_copy(update={"http_port": free_port()})
    async with in_process(settings, "api", "fan-out", "attempt-log"):
        with Process(worker, log, "worker") as frozen:
            async with Client(worker) as seen:
                await seen.ready()
            await client.ready()
            await client.create_endpoint(hooks.url("/frozen"), event_types=["track.started"])
            frozen.freeze()
            events = await _publish_all(client, "track.started")
            other = settings.model_copy(update={"http_port": free_port()})
            # The group gives the partitions away once the session is over.
            with Process(other, log, "worker") as successor:
                await _all_arrived(hooks, "/frozen", events)
                frozen.thaw()
                await eventually(lambda: _mentions(log, "session_lost"), timeout=20)
                successor.kill()
                events |= await _publish_all(client, "track.started")
                await _all_arrived(hooks, "/frozen", events)
        await client.delete_endpoints()
    assert len(hooks.at("/frozen")) <= len(events) + COUNT
