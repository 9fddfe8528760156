import asyncio
import time

import pytest

from carewire_dispatcher.domain.schedule import JITTER, OFFSETS_S
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.producer import Producer
from carewire_testing import eventually
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.receiver import Received, Receiver, Reply, failing_first
from carewire_testing_dispatcher.service import Client

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SCALE = 10


async def test_an_event_arrives_signed_with_the_very_bytes_of_the_topic(dispatcher: Client, hooks: Receiver) -> None:
    endpoint = await dispatcher.create_endpoint(hooks.url("/signed"), headers={"X-Team": "beta"})
    event_id, body = await dispatcher.publish(traceparent=TRACE)
    await eventually(lambda: hooks.at("/signed"))
    [received] = hooks.at("/signed")
    received.verify(endpoint["secret"])
    assert received.body == body
    assert received.webhook_id == event_id
    assert received.headers["x-team"] == "beta"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["traceparent"].split("-")[1] == TRACE.split("-")[1]


async def test_the_status_events_of_requests_reach_who_asked_for_them(dispatcher: Client, hooks: Receiver) -> None:
    wanted = "incoming_webhook.request.failed"
    await dispatcher.create_endpoint(hooks.url("/statuses"), event_types=[wanted])
    await dispatcher.publish("incoming_webhook.request.scheduled")
    event_id, body = await dispatcher.publish(wanted)
    await eventually(lambda: hooks.at("/statuses"))
    assert [(call.webhook_id, call.body) for call in hooks.at("/statuses")] == [(event_id, body)]


async def test_the_log_tells_of_the_delivery_and_its_attempt(dispatcher: Client, hooks: Receiver) -> None:
    endpoint = await dispatcher.create_endpoint(hooks.url("/logged"), event_types=["pathway.stopped"])
    event_id, _ = await dispatcher.publish("pathway.stopped")

    async def delivered() -> bool:
        return bool(await dispatcher.deliveries(event_id=event_id, status="delivered"))

    await eventually(delivered)
    [delivery] = await dispatcher.deliveries(endpoint_id=endpoint["id"])
    assert (delivery["event_type"], delivery["attempts"]) == ("pathway.stopped", 1)
    assert delivery["next_attempt_at"] is None
    [attempt] = await dispatcher.attempts(delivery["id"])
    assert (attempt["number"], attempt["status_code"], attempt["outcome"]) == (1, 200, "delivered")


@pytest.mark.timed
async def test_a_subscriber_that_recovers_is_served_by_the_retry_topics_never_early_and_hardly_late(
    dispatcher: Client, hooks: Receiver
) -> None:
    url = hooks.url("/flaky", failing_first(3))
    endpoint = await dispatcher.create_endpoint(url, event_types=["track.started"])
    event_id, body = await dispatcher.publish("track.started", traceparent=TRACE)
    await eventually(lambda: len(hooks.at("/flaky")) == 4, timeout=20)
    calls = hooks.at("/flaky")
    traces = [call.headers["traceparent"].split("-")[1] for call in calls]
    assert traces[0] == TRACE.split("-")[1]
    assert len(set(traces)) == 4, "a delayed attempt is a trace of its own"
    assert {(call.webhook_id, call.body) for call in calls} == {(event_id, body)}
    for call in calls:
        call.verify(endpoint["secret"])
    _assert_on_time(calls)

    async def delivered() -> bool:
        return [d["attempts"] for d in await dispatcher.deliveries(event_id=event_id, status="delivered")] == [4]

    await eventually(delivered)
    [delivery] = await dispatcher.deliveries(event_id=event_id)
    outcomes = [attempt["status_code"] for attempt in await dispatcher.attempts(delivery["id"])]
    assert outcomes == [500, 500, 500, 200]


def _assert_on_time(calls: list[Received]) -> None:
    for number, call in enumerate(calls):
        offset = OFFSETS_S[number] / SCALE
        step = offset - (OFFSETS_S[number - 1] / SCALE if number else 0)
        waited = call.at - calls[0].at
        assert waited >= offset - step * JITTER - 0.03, "too early"
        assert waited <= offset + 1, "too late"


async def test_retries_with_large_bodies_come_one_after_the_other(dispatcher: Client, hooks: Receiver) -> None:
    """A fetch brings one such body of a partition, and the next one must not wait until other tiers have something."""
    endpoint = await dispatcher.create_endpoint(hooks.url("/large"), event_types=["track.stopped"])
    now = int(time.time() * 1000)
    for _ in range(12):
        ids = {"id": new_id(), "event_id": new_id(), "endpoint_id": endpoint["id"]}
        delivery = a_delivery(**ids, body=b"x" * 150_000, due_at=now)
        await dispatcher.write("bulk", 2, delivery.attempted(now).retried(1, now))
    await eventually(lambda: len(hooks.at("/large")) == 12, timeout=20)


@pytest.mark.timed
async def test_retry_after_is_obeyed(dispatcher: Client, hooks: Receiver) -> None:
    replies = iter([Reply(429, {"Retry-After": "2"}), Reply(200)])
    url = hooks.url("/busy", lambda _: next(replies))
    await dispatcher.create_endpoint(url, event_types=["track.stopped"])
    await dispatcher.publish("track.stopped")
    await eventually(lambda: len(hooks.at("/busy")) == 2)
    first, second = hooks.at("/busy")
    assert second.at - first.at + 0.03 >= 2
    assert second.at - first.at <= 3


@pytest.mark.parametrize(("status", "ended", "reason"), [(410, "failed", "endpoint_gone"), (204, "delivered", None)])
async def test_some_answers_end_a_delivery_at_once(
    dispatcher: Client, hooks: Receiver, status: int, ended: str, reason: str | None
) -> None:
    path = f"/ends-{status}"
    url = hooks.url(path, lambda _: Reply(status))
    endpoint = await dispatcher.create_endpoint(url, event_types=["session.started"])
    await dispatcher.publish("session.started")

    async def over() -> bool:
        found = await dispatcher.deliveries(endpoint_id=endpoint["id"])
        return [(d["status"], d["reason"]) for d in found] == [(ended, reason)]

    await eventually(over)
    assert len(hooks.at(path)) == 1


async def test_a_disabled_endpoint_holds_what_was_on_its_way(dispatcher: Client, hooks: Receiver) -> None:
    url = hooks.url("/held", lambda _: Reply(500))
    endpoint = await dispatcher.create_endpoint(url, event_types=["session.expired"])
    await dispatcher.publish("session.expired")
    await eventually(lambda: hooks.at("/held"))
    await dispatcher.http.post(f"/v1/endpoints/{endpoint['id']}/disable")

    async def held() -> bool:
        found = await dispatcher.deliveries(endpoint_id=endpoint["id"])
        return [(d["status"], d["reason"]) for d in found] == [("held", "endpoint_disabled")]

    await eventually(held, timeout=15)


@pytest.mark.timed
async def test_a_hanging_endpoint_delays_no_other(dispatcher: Client, hooks: Receiver) -> None:
    hanging = hooks.url("/hangs", lambda _: Reply(hang=True))
    await dispatcher.create_endpoint(hanging, event_types=["reminder.created"], concurrency=4)
    await dispatcher.create_endpoint(hooks.url("/healthy"), event_types=["reminder.created"])
    await asyncio.gather(*(dispatcher.publish("reminder.created") for _ in range(200)))
    # Calls end after 10 s at the latest; as long as only the first four were made, none of them has ended.
    await eventually(lambda: len(hooks.at("/healthy")) == 200, timeout=9)
    assert len(hooks.at("/hangs")) == 4
    hooks.release()


@pytest.mark.timed
async def test_a_change_is_effective_within_a_second(dispatcher: Client, hooks: Receiver) -> None:
    answer = await dispatcher.http.post(
        "/v1/endpoints",
        json={"name": "quick", "url": hooks.url("/quick"), "event_types": ["patient.created"]},
    )
    answered_at = time.time()

    async def arrived() -> list[Received]:
        await dispatcher.publish("patient.created")
        return hooks.at("/quick")

    await eventually(arrived, pause=0.05)
    assert hooks.at("/quick")[0].at - answered_at < 1
    await dispatcher.create_endpoint(hooks.url("/all"), event_types=["pathway.started"])
    endpoint_id = answer.json()["id"]
    assert (await dispatcher.http.delete(f"/v1/endpoints/{endpoint_id}")).status_code == 204

    async def silent() -> bool:
        before = len(hooks.at("/quick"))
        await dispatcher.publish("patient.created")
        event_id, _ = await dispatcher.publish("pathway.started")
        await eventually(lambda: any(r.webhook_id == event_id for r in hooks.received))
        return len(hooks.at("/quick")) == before

    await eventually(silent, timeout=2)


async def test_what_is_no_event_is_put_aside_and_stops_nothing(dispatcher: Client, hooks: Receiver) -> None:
    await dispatcher.create_endpoint(hooks.url("/after-poison"), event_types=["form.submitted"])
    producer: Producer = dispatcher._producer
    await producer.send(dispatcher.topics.events.name, key=b"k", value=b"junk", headers=[])
    await producer.send(dispatcher.topics.deliveries("fast").name, key=b"k", value=b"junk", headers=[], partition=0)
    event_id, _ = await dispatcher.publish("form.submitted")
    await eventually(lambda: [r.webhook_id for r in hooks.at("/after-poison")] == [event_id])
