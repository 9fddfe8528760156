"""What the log tells of deliveries on the real stack: as sent, as answered, and nothing that is secret."""

import base64
import json
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from svix.webhooks import Webhook as SvixWebhook

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.events import DataPointCollected
from carewire_contracts.receive import verify
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.auth import ApiKeys, Role
from carewire_runtime.postgres.pool import Database
from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Receiver, Reply
from carewire_testing_dispatcher.service import Client

COLLECTED = json.loads(EVENT_CATALOGUE["data_point.collected"].example)
COLLECTED.pop("event_type")
REFUSED = Reply(422, {"x-request-id": "r-1", "set-cookie": "canary"}, body=b"no such patient: canary")


async def logged(client: Client, endpoint: dict[str, Any]) -> dict[str, Any]:
    """The endpoint's only delivery, once an attempt of it is in the log."""

    async def found() -> list[dict[str, Any]]:
        return await client.deliveries(endpoint_id=endpoint["id"])

    [delivery] = await eventually(found)
    details: dict[str, Any] = (await client.http.get(f"/v1/deliveries/{delivery['id']}")).json()
    return details


async def looked_at(client: Client, details: dict[str, Any]) -> dict[str, Any]:
    path = f"/v1/deliveries/{details['id']}/attempts/{details['attempt_log'][0]['id']}"
    answer = await client.http.get(path)
    assert answer.status_code == 200, answer.text
    seen: dict[str, Any] = answer.json()
    return seen


async def test_a_delivery_is_signed_in_every_way_at_once_and_sent_in_the_form_that_was_asked_for(
    dispatcher: Client, hooks: Receiver
) -> None:
    endpoint = await dispatcher.create_endpoint(
        hooks.url("/every-way"),
        event_types=["data_point.collected"],
        signing=["hmac", "ed25519", "rsa"],
        payload="thin",
        content_mode="cloudevents",
    )
    event_id, full = await dispatcher.publish("data_point.collected", **COLLECTED)
    await eventually(lambda: hooks.at("/every-way"))
    [received] = hooks.at("/every-way")
    received.verify(endpoint["secret"])
    SvixWebhook(endpoint["secret"]).verify(received.body, dict(received.headers))
    for key in (endpoint["secret"], *endpoint["ed25519_public_keys"]):
        event = verify(received.body, received.headers, key).event
        assert isinstance(event, DataPointCollected)
        assert event.data_point.value is None
        assert event.data_point.id == COLLECTED["data_point"]["id"]
    rsa = load_pem_public_key(endpoint["rsa_public_key"].encode())
    assert isinstance(rsa, RSAPublicKey)
    rsa.verify(base64.b64decode(received.headers["x-awell-signature"]), received.body, PKCS1v15(), SHA256())
    described = json.loads(received.body)
    assert received.headers["content-type"] == "application/cloudevents+json"
    assert (described["id"], described["type"], described["specversion"]) == (event_id, "data_point.collected", "1.0")
    assert len(json.dumps(described["data"])) < len(full)
    seen = await looked_at(dispatcher, await logged(dispatcher, endpoint))
    assert seen["request_body"].encode() == received.body


async def test_an_attempt_is_shown_as_it_was_sent_and_answered(dispatcher: Client, hooks: Receiver) -> None:
    endpoint = await dispatcher.create_endpoint(
        hooks.url("/refuses", lambda _: REFUSED),
        event_types=["track.completed"],
        headers={"Authorization": "canary", "X-Environment": "live"},
        retry_offsets_s=[0],
    )
    event_id, body = await dispatcher.publish("track.completed")
    details = await logged(dispatcher, endpoint)
    [received] = hooks.at("/refuses")
    assert (details["status_code"], details["failure"], details["status"]) == (422, None, "failed")
    [attempt] = details["attempt_log"]
    assert attempt["request"]["url"] == endpoint["url"].removesuffix("refuses") + "…"
    sent = {name.lower(): value for name, value in attempt["request"]["headers"].items()}
    assert sent.keys() == received.headers.keys() - {"host", "content-length"}
    shown = {name for name, value in sent.items() if "…" not in value}
    assert {name: sent[name] for name in shown} == {name: received.headers[name] for name in shown}
    assert shown == {"content-type", "user-agent", "webhook-id", "webhook-timestamp", "x-environment"}
    assert attempt["answer"]["headers"]["x-request-id"] == "r-1"
    assert attempt["answer"]["body_kept"] is True
    assert "canary" not in str(details)

    seen = await looked_at(dispatcher, details)
    assert (seen["request_body"], seen["request_body_missing"]) == (body.decode(), None)
    assert seen["answer_body"] == "no such patient: canary"
    assert seen["request"]["headers"]["webhook-id"] == event_id


async def test_what_an_endpoint_has_redacted_is_shown_of_neither_side_also_once_it_is_deleted(
    dispatcher: Client, hooks: Receiver
) -> None:
    reply = Reply(422, body=b'{"title": "unknown", "patient": {"ssn": "canary"}}')
    endpoint = await dispatcher.create_endpoint(
        hooks.url("/redacted", lambda _: reply),
        event_types=["data_point.collected"],
        redacted=["$..ssn", "$.data_point.value"],
        retry_offsets_s=[0],
    )
    event = COLLECTED | {"data_point": COLLECTED["data_point"] | {"value": "canary"}}
    await dispatcher.publish("data_point.collected", **event)
    details = await logged(dispatcher, endpoint)
    assert b"canary" in hooks.at("/redacted")[0].body, "the receiver gets it all the same"
    path = f"/v1/endpoints/{endpoint['id']}"
    assert (await dispatcher.http.patch(path, json={"redacted": ["$.data_point.value"]})).status_code == 200
    seen = await looked_at(dispatcher, details)
    assert json.loads(seen["answer_body"]) == {"title": "unknown", "patient": {"ssn": "[redacted]"}}, "never kept"
    assert json.loads(seen["request_body"])["data_point"]["value"] == "[redacted]"
    assert (await dispatcher.http.delete(path)).status_code == 204
    assert await looked_at(dispatcher, details) == seen


async def test_a_look_is_recorded_and_an_erased_answer_is_gone(
    dispatcher: Client, hooks: Receiver, settings: DispatcherSettings
) -> None:
    endpoint = await dispatcher.create_endpoint(
        hooks.url("/repeats", lambda _: REFUSED), event_types=["track.stopped"], retry_offsets_s=[0]
    )
    await dispatcher.publish("track.stopped")
    details = await logged(dispatcher, endpoint)
    await looked_at(dispatcher, details)
    assert (await dispatcher.http.delete(f"/v1/deliveries/{details['id']}/answers")).status_code == 204
    seen = await looked_at(dispatcher, details)
    assert (seen["answer"], seen["answer_body"]) == (None, None)
    connection = await asyncpg.connect(settings.postgres_dsn)
    try:
        deeds = await connection.fetch(
            "select action, subject_id from dispatcher.audit_record where subject_id = any($1) order by id",
            [details["id"], details["attempt_log"][0]["id"]],
        )
        stored = await connection.fetch("select * from dispatcher.attempt")
    finally:
        await connection.close()
    assert [row["action"] for row in deeds] == [
        "attempt.look_at_bodies",
        "delivery.erase_answers",
        "attempt.look_at_bodies",
    ]
    assert "canary" not in str(stored)


async def test_who_may_look_and_who_may_erase(
    dispatcher: Client, hooks: Receiver, settings: DispatcherSettings
) -> None:
    db = Database(settings.postgres_dsn, "dispatcher")
    await db.start()
    try:
        viewer = {"authorization": f"Bearer {await ApiKeys(db).create('viewer', Role.VIEWER)}"}
    finally:
        await db.stop()
    endpoint = await dispatcher.create_endpoint(hooks.url("/looked-at"), event_types=["session.started"])
    await dispatcher.publish("session.started")
    details = await logged(dispatcher, endpoint)
    path, attempt_id = f"/v1/deliveries/{details['id']}", details["attempt_log"][0]["id"]
    http = dispatcher.http
    assert (await http.get(f"{path}/attempts/{attempt_id}", headers=viewer)).status_code == 200
    assert (await http.get(f"{path}/attempts/{attempt_id}", headers={"authorization": ""})).status_code == 401
    assert (await http.get(f"{path}/attempts/{details['id']}")).status_code == 404
    assert (await http.delete(f"{path}/answers", headers=viewer)).status_code == 403
    assert (await http.get("/v1/deliveries/export", headers=viewer)).status_code == 403


async def test_the_export_has_a_line_for_each_delivery_that_the_filters_find(
    dispatcher: Client, hooks: Receiver
) -> None:
    endpoint = await dispatcher.create_endpoint(hooks.url("/exported"), event_types=["session.completed"])
    published = {(await dispatcher.publish("session.completed"))[0] for _ in range(3)}

    async def all_logged() -> bool:
        return len(await dispatcher.deliveries(endpoint_id=endpoint["id"], status="delivered")) == 3

    await eventually(all_logged)
    answer = await dispatcher.http.get("/v1/deliveries/export", params={"endpoint_id": endpoint["id"]})
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert {line["event_id"] for line in lines} == published
    assert lines == await dispatcher.deliveries(endpoint_id=endpoint["id"])
    none = await dispatcher.http.get("/v1/deliveries/export", params={"event_id": "nobody's"})
    assert (none.status_code, none.text) == (200, "")
    attempts = await dispatcher.http.get(f"/v1/endpoints/{endpoint['id']}/attempts", params={"limit": 2})
    assert [one["status_code"] for one in attempts.json()["items"]] == [200, 200]
    rest = await dispatcher.http.get(
        f"/v1/endpoints/{endpoint['id']}/attempts", params={"limit": 2, "cursor": attempts.json()["next_cursor"]}
    )
    assert (len(rest.json()["items"]), rest.json()["next_cursor"]) == (1, None)


@pytest.mark.parametrize(
    "params",
    [{"status_code": "99"}, {"failure": "canary"}, {"from": "noon"}, {"to": "2026-03-02T08:00:00"}, {"canary": "1"}],
    ids=str,
)
async def test_a_bad_filter_is_refused_by_name(dispatcher: Client, params: dict[str, str]) -> None:
    for path in ("/v1/deliveries", "/v1/deliveries/export"):
        answer = await dispatcher.http.get(path, params=params)
        assert answer.status_code == 422, answer.text
        assert "canary" not in str(answer.json()["errors"][0]["message"])
