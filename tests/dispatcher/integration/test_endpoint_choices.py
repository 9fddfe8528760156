"""What an endpoint chose, on the real stack: which events it gets, when they are given up, and whose receiver it is."""

from typing import Any

import orjson
import pytest

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.timestamps import parse_timestamp
from carewire_dispatcher.settings import DispatcherSettings
from carewire_testing import eventually
from carewire_testing.free_ports import free_port
from carewire_testing_dispatcher.receiver import Received, Receiver, Reply, always
from carewire_testing_dispatcher.service import Client, in_process

URGENT = {"all": [{"reference": "$.patient.tags", "operator": "contains", "operand": "urgent"}]}


async def ended(client: Client, event_id: str) -> dict[str, Any]:
    """The one delivery of an event, once it has ended without success."""

    async def failed() -> bool:
        return bool(await client.deliveries(event_id=event_id, status="failed"))

    await eventually(failed, timeout=20)
    [delivery] = await client.deliveries(event_id=event_id)
    return delivery


async def test_an_endpoint_gets_the_events_that_pass_its_filter(dispatcher: Client, hooks: Receiver) -> None:
    await dispatcher.create_endpoint(hooks.url("/urgent"), event_types=["patient.updated"], filter=URGENT)
    await dispatcher.publish("patient.updated", patient={"tags": ["calm"]})
    await dispatcher.publish("patient.updated")
    wanted, _ = await dispatcher.publish("patient.updated", patient={"tags": ["new", "urgent"]})
    await eventually(lambda: hooks.at("/urgent"))
    assert [call.webhook_id for call in hooks.at("/urgent")] == [wanted]


async def test_an_example_of_an_event_comes_the_real_way_marked_as_a_test(dispatcher: Client, hooks: Receiver) -> None:
    endpoint = await dispatcher.create_endpoint(hooks.url("/tried"), event_types=["track.stopped"])
    wish = {"event_type": "form.submitted"}
    answer = await dispatcher.http.post(f"/v1/endpoints/{endpoint['id']}/test", json=wish)
    assert answer.status_code == 202, answer.text
    await eventually(lambda: hooks.at("/tried"))
    [received] = hooks.at("/tried")
    received.verify(endpoint["secret"])
    assert (received.webhook_id, received.headers["webhook-test"]) == (answer.json()["event_id"], "true")
    assert received.body == EVENT_CATALOGUE["form.submitted"].example

    async def is_listed() -> bool:
        return bool(await dispatcher.deliveries(event_id=received.webhook_id, status="delivered"))

    await eventually(is_listed)
    [delivery] = await dispatcher.deliveries(endpoint_id=endpoint["id"])
    assert (delivery["id"], delivery["event_type"]) == (answer.json()["delivery_id"], "form.submitted")


async def test_a_status_that_an_endpoint_named_as_final_ends_a_delivery_at_once(
    dispatcher: Client, hooks: Receiver
) -> None:
    url = hooks.url("/final", always(422))
    await dispatcher.create_endpoint(url, event_types=["track.completed"], terminal_statuses=[422])
    event_id, _ = await dispatcher.publish("track.completed")
    delivery = await ended(dispatcher, event_id)
    assert (delivery["reason"], delivery["attempts"]) == ("terminal_status", 1)


async def test_an_endpoint_s_own_schedule_ends_when_it_says(dispatcher: Client, hooks: Receiver) -> None:
    url = hooks.url("/short", always(500))
    await dispatcher.create_endpoint(url, event_types=["session.expired"], retry_offsets_s=[0, 5, 30])
    event_id, _ = await dispatcher.publish("session.expired")
    delivery = await ended(dispatcher, event_id)
    assert (delivery["reason"], delivery["attempts"]) == ("exhausted", 3)
    attempts = await dispatcher.attempts(delivery["id"])
    first, _, last = (parse_timestamp(attempt["started_at"]) for attempt in attempts)
    assert (last - first).total_seconds() >= 3, "time runs ten times as fast"


def echoing(received: Received) -> Reply:
    challenge = orjson.loads(received.body)["challenge"]
    return Reply(body=orjson.dumps({"challenge": challenge}))


@pytest.mark.parametrize(("path", "status"), [("/mine", 201), ("/somebody-s", 422)])
async def test_where_it_is_asked_for_a_receiver_proves_whose_it_is_by_an_echo(
    settings: DispatcherSettings, hooks: Receiver, path: str, status: int
) -> None:
    url = hooks.url(path, echoing if path == "/mine" else None)
    asking = settings.model_copy(update={"verify_endpoints": True, "http_port": free_port()})
    async with in_process(asking, "api"), Client(asking) as client:
        await client.ready()
        answer = await client.http.post("/v1/endpoints", json={"name": "asked", "url": url})
        stored = answer.json() if status == 201 else answer.json()["endpoint"]
        await client.http.delete(f"/v1/endpoints/{stored['id']}")
    assert answer.status_code == status
    assert stored["enabled"] is (status == 201)
    [asked] = hooks.at(path)
    asked.verify(stored["secret"])
