from typing import Any

import asyncpg
import pytest

from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.auth import ApiKeys, Role
from carewire_runtime.postgres.pool import Database
from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Receiver, always
from carewire_testing_dispatcher.service import Client


async def test_an_endpoint_is_created_changed_and_deleted(dispatcher: Client) -> None:
    created = await dispatcher.create_endpoint(
        "http://127.0.0.1:9/hook", event_types=["pathway.completed"], headers={"Authorization": "Bearer canary"}
    )
    assert created["secret"].startswith("whsec_")
    assert created["enabled"] is True
    path = f"/v1/endpoints/{created['id']}"
    shown = (await dispatcher.http.get(path)).json()
    assert "secret" not in shown
    assert "canary" not in str(shown)
    assert shown["header_names"] == ["Authorization"]
    changed = (await dispatcher.http.patch(path, json={"name": "other", "event_types": None})).json()
    assert (changed["name"], changed["event_types"], changed["url"]) == ("other", None, created["url"])
    assert (await dispatcher.http.post(f"{path}/disable")).json()["enabled"] is False
    assert (await dispatcher.http.post(f"{path}/enable")).json()["enabled"] is True
    assert (await dispatcher.http.delete(path)).status_code == 204
    assert (await dispatcher.http.get(path)).status_code == 404
    assert (await dispatcher.http.delete(path)).status_code == 404


async def test_everything_that_is_wrong_is_said_at_once_and_no_value_repeated(dispatcher: Client) -> None:
    answer = await dispatcher.http.post(
        "/v1/endpoints",
        json={
            "name": "",
            "url": 7,
            "event_types": ["pathway.completed", "canary.event"],
            "headers": {"Webhook-Id": "canary"},
            "concurrency": 0,
            "surprise": "canary",
        },
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    fields = {error["field"] for error in answer.json()["errors"]}
    # What nobody knows is told by its place: its name is the caller's own words.
    assert fields == {"name", "url", "event_types", "headers", "concurrency", "(entry 6)"}
    assert "canary" not in answer.text


@pytest.mark.parametrize("url", ["ftp://receiver.example/", "https://user:canary@receiver.example/"])
async def test_a_url_that_must_not_be_called_is_refused(dispatcher: Client, url: str) -> None:
    answer = await dispatcher.http.post("/v1/endpoints", json={"name": "x", "url": url})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["url"]
    assert "canary" not in answer.text


async def test_a_rotated_secret_signs_beside_the_old_one_until_that_is_retired(
    dispatcher: Client, hooks: Receiver
) -> None:
    created = await dispatcher.create_endpoint(hooks.url("/rotating"), event_types=["track.started"])
    path = f"/v1/endpoints/{created['id']}"
    rotated = (await dispatcher.http.post(f"{path}/rotate-secret")).json()
    assert rotated["secrets"] == 2

    async def both_sign() -> bool:
        await dispatcher.publish("track.started")
        return any(len(call.headers["webhook-signature"].split()) == 2 for call in hooks.at("/rotating"))

    await eventually(both_sign, pause=0.1)
    call = next(c for c in hooks.at("/rotating") if len(c.headers["webhook-signature"].split()) == 2)
    call.verify(created["secret"])
    call.verify(rotated["secret"])
    assert (await dispatcher.http.post(f"{path}/retire-secret")).json()["secrets"] == 1


async def test_pages_lead_through_all_endpoints(dispatcher: Client) -> None:
    made = [(await dispatcher.create_endpoint(f"http://127.0.0.1:9/{n}"))["id"] for n in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = await dispatcher.http.get("/v1/endpoints", params=params)
        page = answer.json()
        assert answer.status_code == 200
        seen += [endpoint["id"] for endpoint in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made


async def test_pages_lead_through_all_deliveries_newest_first(dispatcher: Client, hooks: Receiver) -> None:
    endpoint = await dispatcher.create_endpoint(hooks.url("/paged", always()), event_types=["track.stopped"])
    published = [(await dispatcher.publish("track.stopped"))[0] for _ in range(5)]

    async def logged() -> bool:
        return len(await dispatcher.deliveries(endpoint_id=endpoint["id"])) == 5

    await eventually(logged)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 2, "endpoint_id": endpoint["id"]} | ({"cursor": cursor} if cursor else {})
        page = (await dispatcher.http.get("/v1/deliveries", params=params)).json()
        seen += [delivery["event_id"] for delivery in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(published)
    assert (await dispatcher.http.get("/v1/deliveries", params={"cursor": "!"})).status_code == 422
    unknown = "00000000-0000-0000-0000-000000000000"
    assert (await dispatcher.http.get(f"/v1/deliveries/{unknown}")).status_code == 404


async def test_roles_bound_what_a_key_may_do(dispatcher: Client, settings: DispatcherSettings) -> None:
    db = Database(settings.postgres_dsn, "dispatcher")
    await db.start()
    try:
        viewer = {"authorization": f"Bearer {await ApiKeys(db).create('viewer', Role.VIEWER)}"}
        operator = {"authorization": f"Bearer {await ApiKeys(db).create('operator', Role.OPERATOR)}"}
    finally:
        await db.stop()
    endpoint = await dispatcher.create_endpoint("http://127.0.0.1:9/")
    path = f"/v1/endpoints/{endpoint['id']}"
    http = dispatcher.http
    assert (await http.get("/v1/endpoints", headers={"authorization": ""})).status_code == 401
    assert (await http.get("/v1/deliveries", headers={"authorization": "Bearer wrong"})).status_code == 401
    assert (await http.get(path, headers=viewer)).status_code == 200
    assert (await http.post(f"{path}/disable", headers=viewer)).status_code == 403
    assert (await http.post(f"{path}/disable", headers=operator)).status_code == 200
    assert (await http.delete(path, headers=operator)).status_code == 403


async def test_secrets_are_sealed_at_rest(dispatcher: Client, settings: DispatcherSettings) -> None:
    created = await dispatcher.create_endpoint("http://127.0.0.1:9/", headers={"X-Token": "canary"})
    connection = await asyncpg.connect(settings.postgres_dsn)
    try:
        row = await connection.fetchrow("select * from dispatcher.endpoint where id = $1::uuid", created["id"])
    finally:
        await connection.close()
    assert "canary" not in str(dict(row))
    assert created["secret"].removeprefix("whsec_") not in str(dict(row))
