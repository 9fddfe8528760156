"""Repairs and workers that are killed, or lag: nothing is lost, and nothing is sent twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from carewire_dispatcher.app import setup
from carewire_dispatcher.settings import DispatcherSettings
from carewire_local.stack import Stack
from carewire_testing import eventually
from carewire_testing.free_ports import free_port
from carewire_testing_dispatcher.receiver import Receiver, Reply
from carewire_testing_dispatcher.service import Client, Process, in_process, settings_for

COUNT, BODY = 40, "x" * 150_000
"""More than a step of a repair takes, which ends at 4 MiB."""


@pytest.fixture(scope="module")
def settings(stack: Stack, database_dsn: str, topic_prefix: str) -> DispatcherSettings:
    """Settings of a dispatcher that has been set up: the other services have no part in this."""
    made = settings_for(stack.kafka_bootstrap, database_dsn, topic_prefix)
    asyncio.run(setup(made))
    return made


@pytest.fixture
async def client(settings: DispatcherSettings) -> AsyncIterator[Client]:
    """A client of the dispatcher, without the dispatcher."""
    async with Client(settings) as made:
        yield made


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What processes of this test write to stderr."""
    return tmp_path / "stderr.log"


async def counted(client: Client, endpoint_id: str, status: str, count: int) -> None:
    """Wait until the log knows so many of a status."""

    async def are() -> bool:
        answer = await client.http.get("/v1/undelivered", params={"endpoint_id": endpoint_id, "limit": 1})
        found: bool = answer.json()[status] == count
        return found

    await eventually(are, timeout=40)


async def test_a_repair_whose_runner_is_killed_is_ended_by_another_and_nothing_is_sent_twice(
    settings: DispatcherSettings, client: Client, receiver: Receiver, log: Path
) -> None:
    runner = settings.model_copy(update={"http_port": free_port()})
    # Paused before there is anyone who would have to hear of it.
    async with in_process(settings, "api"):
        await client.ready()
        new = {"name": "paused", "url": receiver.url("/taken-over"), "event_types": ["track.started"], "rate_per_s": 20}
        endpoint = (await client.http.post("/v1/endpoints", json=new)).json()
        path = f"/v1/endpoints/{endpoint['id']}"
        assert (await client.http.post(f"{path}/pause")).status_code == 200
    async with in_process(settings, "api", "fan-out", "worker", "attempt-log"):
        await client.ready()
        events = dict([await client.publish("track.started", body=BODY) for _ in range(COUNT)])
        await counted(client, endpoint["id"], "held", COUNT)
        await client.http.post(f"{path}/resume")

        async def repair() -> dict[str, object]:
            answer = await client.http.get("/v1/repairs", params={"endpoint_id": endpoint["id"]})
            [found] = answer.json()["items"]
            shown: dict[str, object] = found
            return shown

        with Process(runner, log, "repair") as first:

            async def is_midway() -> bool:
                return bool((await repair())["taken"])

            await eventually(is_midway, timeout=30)
            first.kill()
        with Process(runner, log, "repair"):

            async def is_over() -> bool:
                return (await repair())["state"] == "done"

            await eventually(is_over, timeout=40)
            await eventually(
                lambda: {call.webhook_id for call in receiver.at("/taken-over")} == events.keys(), timeout=40
            )
        await counted(client, endpoint["id"], "retrying", 0)
        await client.delete_endpoints()
    assert len(receiver.at("/taken-over")) == COUNT


async def test_what_was_sent_again_is_not_sent_once_more_by_its_old_record_although_the_worker_was_another(
    settings: DispatcherSettings, client: Client, receiver: Receiver
) -> None:
    """The old record waits in a tier while its delivery is made anew; who takes it out never saw the new one."""
    replies = iter([Reply(503, {"Retry-After": "8"})])
    url = receiver.url("/superseded", lambda _: next(replies, Reply()))
    worker = settings.model_copy(update={"http_port": free_port()})
    async with in_process(settings, "api", "fan-out", "attempt-log", "repair"):
        await client.ready()
        endpoint = await client.create_endpoint(url, event_types=["track.stopped"])
        async with in_process(worker, "worker"):
            await client.publish("track.stopped")
            await counted(client, endpoint["id"], "retrying", 1)
            [delivery] = await client.deliveries(endpoint_id=endpoint["id"])
            # Where all of this takes long, the old record comes out of its tier while this worker still runs.
            dropped = await _dropped(client)
            answer = await client.http.post(f"/v1/deliveries/{delivery['id']}/retry")
            assert answer.status_code == 202, answer.text
            await eventually(lambda: len(receiver.at("/superseded")) == 2, timeout=20)
            await counted(client, endpoint["id"], "retrying", 0)
        async with in_process(worker, "worker"):

            async def is_dropped() -> bool:
                return await _dropped(client) > dropped

            await eventually(is_dropped, timeout=30)
        [delivery] = await client.deliveries(endpoint_id=endpoint["id"])
        assert (delivery["status"], delivery["attempts"]) == ("delivered", 1)
        await client.delete_endpoints()
    assert len(receiver.at("/superseded")) == 2


async def _dropped(client: Client) -> float:
    """How many records were dropped as copies, in all of this process."""
    lines = (await client.http.get("/metrics")).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("carewire_deliveries_duplicate"))


async def test_while_the_log_lags_nobody_can_say_what_failed(
    settings: DispatcherSettings, client: Client, receiver: Receiver
) -> None:
    url = receiver.url("/lagging", lambda _: Reply(422))
    logging = settings.model_copy(update={"http_port": free_port()})
    async with in_process(settings, "api", "fan-out", "worker"):
        await client.ready()
        endpoint = await client.create_endpoint(url, event_types=["session.expired"], terminal_statuses=[422])
        path = f"/v1/endpoints/{endpoint['id']}/retry-failed/preview"
        await client.publish("session.expired")
        await eventually(lambda: receiver.at("/lagging"), timeout=20)

        async def is_refused() -> bool:
            answer = await client.http.post(path, timeout=20)
            return answer.status_code == 409 and answer.json()["reason"] == "log_lags"

        await eventually(is_refused, timeout=20)
        async with in_process(logging, "attempt-log"):

            async def is_counted() -> bool:
                answer = await client.http.post(path, timeout=20)
                assert answer.status_code == 200, answer.text
                return bool(answer.json()["count"] == 1)

            await eventually(is_counted, timeout=20)
        await client.delete_endpoints()
