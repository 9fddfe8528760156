"""Deliveries are sent again: one, what failed, what was held, and what is missing of a range of time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carewire_contracts.timestamps import format_timestamp
from carewire_contracts.topics import Lane
from carewire_dispatcher.adapters.event_reader import event_reader
from carewire_dispatcher.domain.classify import Answer, Retry
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.log_entry import LogEntry, Tried
from carewire_dispatcher.domain.schedule import Slot
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.pool import Database
from carewire_testing import eventually
from carewire_testing.free_ports import free_port
from carewire_testing_dispatcher.receiver import Receiver, Reply, failing_first
from carewire_testing_dispatcher.service import Client, in_process


@pytest.fixture
def dispatcher(own_dispatcher: Client) -> Client:
    """All roles for each test anew: another test here runs some of them by itself."""
    return own_dispatcher


async def ended(client: Client, repair: dict[str, Any], state: str = "done") -> dict[str, Any]:
    """Wait until a repair is over."""
    found: dict[str, Any] = {}

    async def is_over() -> bool:
        answer = await client.http.get(f"/v1/repairs/{repair['id']}")
        found.update(answer.json())
        return found["ended_at"] is not None

    await eventually(is_over, timeout=30)
    assert found["state"] == state, found
    return found


async def asked(client: Client, path: str, **body: Any) -> dict[str, Any]:
    """Ask for a repair, or for a preview."""
    answer = await client.http.post(path, json=body or None, timeout=15)
    assert answer.status_code in (200, 202), answer.text
    made: dict[str, Any] = answer.json()
    return made


async def a_paused_endpoint(settings: DispatcherSettings, client: Client, url: str, **fields: Any) -> dict[str, Any]:
    """Create an endpoint and pause it, before there is anyone who would have to hear of it."""
    async with in_process(settings, "api"):
        await client.ready()
        answer = await client.http.post("/v1/endpoints", json={"name": "paused", "url": url} | fields)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        paused = await client.http.post(f"/v1/endpoints/{created['id']}/pause")
        assert paused.status_code == 200, paused.text
    return created


async def statuses(client: Client, endpoint_id: str) -> list[str]:
    return [one["status"] for one in await client.deliveries(endpoint_id=endpoint_id, limit="200")]


async def all_are(client: Client, endpoint_id: str, status: str, count: int) -> None:
    async def are() -> bool:
        return await statuses(client, endpoint_id) == [status] * count

    await eventually(are, timeout=30)


async def test_one_that_failed_is_sent_again_with_the_same_id_and_bytes_and_says_so(
    dispatcher: Client, hooks: Receiver
) -> None:
    url = hooks.url("/one", failing_first(1, Reply(422)))
    endpoint = await dispatcher.create_endpoint(url, event_types=["track.started"], terminal_statuses=[422])
    event_id, body = await dispatcher.publish("track.started")
    await all_are(dispatcher, endpoint["id"], "failed", 1)
    [delivery] = await dispatcher.deliveries(endpoint_id=endpoint["id"])
    done = await ended(dispatcher, await asked(dispatcher, f"/v1/deliveries/{delivery['id']}/retry"))
    assert (done["kind"], done["total"], done["taken"]) == ("retry_one", 1, 1)
    await all_are(dispatcher, endpoint["id"], "delivered", 1)
    first, again = hooks.at("/one")
    again.verify(endpoint["secret"])
    assert (again.webhook_id, again.body) == (event_id, body) == (first.webhook_id, first.body)
    assert "webhook-replay" not in first.headers
    assert again.headers["webhook-replay"] == "true"
    [delivery] = await dispatcher.deliveries(endpoint_id=endpoint["id"])
    assert delivery["attempts"] == 1, "it begins anew with its schedule"
    assert [attempt["status_code"] for attempt in await dispatcher.attempts(delivery["id"])] == [422, 200]


async def test_all_that_failed_of_an_endpoint_is_sent_again_once_and_a_preview_sends_nothing(
    dispatcher: Client, hooks: Receiver
) -> None:
    url = hooks.url("/failed", failing_first(1, Reply(422), every=3))
    endpoint = await dispatcher.create_endpoint(url, event_types=["track.stopped"], terminal_statuses=[422])
    events = dict([await dispatcher.publish("track.stopped") for _ in range(30)])

    async def have_ended() -> bool:
        return sorted(await statuses(dispatcher, endpoint["id"])) == ["delivered"] * 20 + ["failed"] * 10

    await eventually(have_ended, timeout=30)
    path = f"/v1/endpoints/{endpoint['id']}/retry-failed"
    preview = await asked(dispatcher, f"{path}/preview")
    assert (preview["count"], preview["unreadable"], preview["is_complete"]) == (10, 0, True)
    assert len(preview["first"]) == 5
    assert await have_ended()
    done = await ended(dispatcher, await asked(dispatcher, path))
    assert (done["total"], done["looked_at"], done["taken"], done["skipped"]) == (10, 10, 10, 0)
    await all_are(dispatcher, endpoint["id"], "delivered", 30)
    assert (await asked(dispatcher, f"{path}/preview"))["count"] == 0
    again = await ended(dispatcher, await asked(dispatcher, path))
    assert again["taken"] == 0
    sent_again = [call for call in hooks.at("/failed") if "webhook-replay" in call.headers]
    assert {(call.webhook_id, call.body) for call in sent_again} <= events.items()
    assert len({call.webhook_id for call in sent_again}) == len(sent_again) == 10


async def test_a_resume_writes_what_was_held_in_the_order_of_the_events_and_each_arrives_once(
    settings: DispatcherSettings, client: Client, hooks: Receiver
) -> None:
    endpoint = await a_paused_endpoint(settings, client, hooks.url("/resumed"), event_types=["session.started"])
    async with in_process(settings):
        await client.ready()
        events = dict([await client.publish("session.started") for _ in range(20)])
        await all_are(client, endpoint["id"], "held", 20)
        assert hooks.at("/resumed") == []
        answer = await client.http.post(f"/v1/endpoints/{endpoint['id']}/resume")
        assert answer.status_code == 200, answer.text
        await all_are(client, endpoint["id"], "delivered", 20)
        [repair] = (await client.http.get("/v1/repairs", params={"endpoint_id": endpoint["id"]})).json()["items"]
        assert (await ended(client, repair))["taken"] >= 20
        written = await deliveries_of(settings, client, endpoint["id"])
        await client.delete_endpoints()
    assert {(call.webhook_id, call.body) for call in hooks.at("/resumed")} == events.items()
    assert len(hooks.at("/resumed")) == 20
    by_repair = [(one.epoch, one.event.partition, one.event.offset) for one in written if one.epoch and not one.hop]
    assert by_repair == sorted(by_repair)


async def test_what_the_log_took_for_retried_by_a_worker_that_was_killed_is_held_and_resumed(
    settings: DispatcherSettings, client: Client, hooks: Receiver
) -> None:
    """He had told it of attempts and not yet written what follows, so the records come again, to a closed endpoint."""
    endpoint = await a_paused_endpoint(settings, client, hooks.url("/told"), event_types=["session.completed"])
    worker = settings.model_copy(update={"http_port": free_port()})
    async with in_process(settings, "api", "fan-out", "attempt-log", "repair"):
        await client.ready()
        events = dict([await client.publish("session.completed") for _ in range(5)])
        fresh: list[Delivery] = []

        async def are_written() -> bool:
            fresh[:] = await deliveries_of(settings, client, endpoint["id"], "fast")
            return len(fresh) == len(events)

        await eventually(are_written)
        for delivery in fresh:
            await client.tell_log(refused(delivery))
        await all_are(client, endpoint["id"], "retrying", len(events))
        async with in_process(worker, "worker"):
            await all_are(client, endpoint["id"], "held", len(events))
            answer = await client.http.post(f"/v1/endpoints/{endpoint['id']}/resume")
            assert answer.status_code == 200, answer.text
            await all_are(client, endpoint["id"], "delivered", len(events))
        await client.delete_endpoints()
    assert {(call.webhook_id, call.body) for call in hooks.at("/told")} == events.items()
    assert {call.headers.get("webhook-replay") for call in hooks.at("/told")} == {"true"}, "he may have seen them"


def refused(delivery: Delivery) -> LogEntry:
    """What a worker tells of a first attempt in vain."""
    now = delivery.due_at
    return LogEntry.of(
        delivery.attempted(now), Retry(Slot(1, now + 500)), now, Tried.of(new_id(), now, now, Answer(503))
    )


async def deliveries_of(
    settings: DispatcherSettings, client: Client, endpoint_id: str, lane: Lane = "bulk"
) -> list[Delivery]:
    """What was written for an endpoint to a lane, in order; it all stands in one partition."""
    found: list[Delivery] = []
    async with event_reader(settings.kafka_bootstrap) as reader:
        for partition in range(settings.partitions):
            run = await reader.between(client.topics.deliveries(lane).name, partition, 0, 2**60, 10_000)
            read = [Delivery.of(record.key, record.value, record.headers) for record in run.records]
            found += [one for one in read if one.endpoint_id == endpoint_id]
    return found


async def forget(settings: DispatcherSettings, endpoint_id: str, event_ids: list[str]) -> None:
    """Take deliveries out of the log, as if nobody had ever made them."""
    db = Database(settings.postgres_dsn, "dispatcher")
    await db.start()
    try:
        async with db.connection() as connection:
            await connection.execute(
                "delete from delivery where endpoint_id = $1 and event_id = any($2)", endpoint_id, event_ids
            )
    finally:
        await db.stop()


async def test_a_replay_of_what_is_missing_leaves_out_what_is_delivered(
    settings: DispatcherSettings, dispatcher: Client, hooks: Receiver
) -> None:
    endpoint = await dispatcher.create_endpoint(hooks.url("/missing"), event_types=["reminder.created"])
    began = datetime.now(UTC) - timedelta(seconds=2)
    events = [await dispatcher.publish("reminder.created") for _ in range(24)]
    await dispatcher.publish("track.completed")
    await all_are(dispatcher, endpoint["id"], "delivered", 24)
    lost = [event_id for event_id, _ in events[::3]]
    await forget(settings, endpoint["id"], lost)
    path, span = f"/v1/endpoints/{endpoint['id']}/replay", {"from": format_timestamp(began), "which": "missing"}
    preview = await asked(dispatcher, f"{path}/preview", **span)
    assert (preview["count"], preview["is_complete"]) == (8, True)
    assert {one["event_id"] for one in preview["first"]} <= set(lost)
    done = await ended(dispatcher, await asked(dispatcher, path, **span))
    assert (done["taken"], done["skipped"]) == (8, 16)
    assert done["looked_at"] == done["total"] >= 24

    await all_are(dispatcher, endpoint["id"], "delivered", 24)
    assert sorted(call.webhook_id for call in hooks.at("/missing")[24:]) == sorted(lost)
    everything = await ended(dispatcher, await asked(dispatcher, path, **span | {"which": "all"}))
    assert everything["taken"] == 24
    await eventually(lambda: len(hooks.at("/missing")) == 24 + 8 + 24, timeout=20)
    assert all("webhook-replay" in call.headers for call in hooks.at("/missing")[-24:])


async def test_what_cannot_be_sent_again_is_refused_with_what_to_do(dispatcher: Client, hooks: Receiver) -> None:
    endpoint = await dispatcher.create_endpoint(hooks.url("/refused"), event_types=["patient.created"])
    path = f"/v1/endpoints/{endpoint['id']}"
    long_ago = {"from": "2020-01-01T00:00:00.000Z", "which": "missing"}
    answer = await dispatcher.http.post(f"{path}/replay", json=long_ago, timeout=15)
    assert (answer.status_code, answer.json()["reason"]) == (409, "log_expired")
    assert answer.json()["readable_from"] > "2026"
    assert "Begin at" in answer.json()["detail"]
    await dispatcher.http.post(f"{path}/disable")
    for route in ("retry-failed", "retry-failed/preview"):
        answer = await dispatcher.http.post(f"{path}/{route}", timeout=15)
        assert (answer.status_code, answer.json()["reason"]) == (409, "endpoint_disabled")


@pytest.mark.parametrize("state", ["waiting"])
async def test_a_repair_is_cancelled_once(dispatcher: Client, hooks: Receiver, state: str) -> None:
    endpoint = await dispatcher.create_endpoint(hooks.url("/cancelled"), event_types=["patient.deleted"])
    repair = await asked(dispatcher, f"/v1/endpoints/{endpoint['id']}/retry-failed")
    assert repair["state"] == state
    answers = [await dispatcher.http.post(f"/v1/repairs/{repair['id']}/cancel") for _ in range(2)]
    assert answers[-1].status_code == 409
    assert answers[0].status_code in (200, 409)
