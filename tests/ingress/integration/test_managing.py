"""Staff configure webhooks over the management API, and replicas follow."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from carewire_contracts.topics import Topics
from carewire_ingress.app import RECEIVER
from carewire_ingress.client import IngressClient
from carewire_ingress.errors import RefusedByIngress
from carewire_ingress.settings import IngressSettings
from carewire_runtime.auth import ApiKeys, Role
from carewire_runtime.postgres.pool import Database
from carewire_runtime.sealing import Keyring
from carewire_testing.waiting import eventually
from carewire_testing_ingress.running import (
    API_KEY,
    RunningIngress,
    publish_catalogue,
    records_of,
    running,
)
from carewire_testing_ingress.samples import (
    DEFINITION_ID,
    MRN,
    PATHS,
    PAYLOAD,
    data_point,
    definition,
    release,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

V1 = "/v1/incoming-webhooks"
SOURCES = {name: {"path": path, "default": None, "constant": None} for name, path in PATHS.items()}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def replicas(settings: IngressSettings) -> AsyncIterator[tuple[RunningIngress, RunningIngress]]:
    async with running(settings) as one, running(settings, [RECEIVER]) as other:
        yield one, other


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingress(replicas: tuple[RunningIngress, RunningIngress]) -> RunningIngress:
    return replicas[0]


async def create(ingress: RunningIngress, **more: Any) -> dict[str, Any]:
    return await ingress.create(**({"name": "A", "definition_id": DEFINITION_ID, "mapping": PATHS} | more))


async def test_a_webhook_is_born_disabled_with_an_unguessable_url(ingress: RunningIngress) -> None:
    created = await create(ingress, name="Surgeries")
    assert created["enabled"] is False
    assert len(urlsplit(created["url"]).path.removeprefix("/hooks/")) >= 43
    assert created["test_url"] == created["url"] + "/test"
    shown = (await ingress.admin.get(f"{V1}/{created['id']}")).json()
    assert shown == created


async def test_whoever_rotates_disables_or_deletes_ends_the_url(ingress: RunningIngress) -> None:
    created = await create(ingress)
    for step, status in (("enable", 202), ("disable", 409), ("enable", 202)):
        assert (await ingress.admin.post(f"{V1}/{created['id']}/{step}")).status_code == 200
        await ingress.called(created, PAYLOAD, status)
    rotated = (await ingress.admin.post(f"{V1}/{created['id']}/rotate-token", json={"overlap_seconds": 0})).json()
    assert rotated["url"] != created["url"]
    await ingress.called(rotated, PAYLOAD, 202)
    await ingress.called(created, PAYLOAD, 404)
    assert (await ingress.admin.delete(f"{V1}/{created['id']}")).status_code == 204
    await ingress.called(rotated, PAYLOAD, 404)
    assert (await ingress.admin.get(f"{V1}/{created['id']}")).status_code == 404


async def test_enabling_needs_every_required_data_point_mapped(ingress: RunningIngress) -> None:
    created = await create(ingress, mapping={"patient_name": "$.patient.name"})
    refused = await ingress.admin.post(f"{V1}/{created['id']}/enable")
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in refused.json()["errors"]] == ["mapping.surgery_date", "mapping.pain_score"]
    changed = await ingress.admin.patch(f"{V1}/{created['id']}", json={"mapping": PATHS})
    assert changed.json()["mapping"] == SOURCES
    await ingress.enable(created)
    broken = await ingress.admin.patch(f"{V1}/{created['id']}", json={"mapping": {}})
    assert broken.status_code == 422
    assert (await ingress.admin.get(f"{V1}/{created['id']}")).json()["mapping"] == SOURCES


async def test_everything_wrong_with_a_configuration_is_said_at_once(ingress: RunningIngress) -> None:
    refused = await ingress.admin.post(
        V1,
        json={
            "name": "Wrong",
            "definition_id": DEFINITION_ID,
            "mapping": {"unheard_of": "$.x", "pain_score": "not a path"},
            "identifiers": [
                {"value_path": "$..", "system": "https://unregistered.example"},
                {"value_path": "$.a"},
                {"value_path": "$.a", "system": MRN, "system_path": "$.b"},
            ],
            "start_key": {"header": "bad header", "path": "$.a"},
        },
    )
    assert refused.status_code == 422
    assert sorted(error["field"] for error in refused.json()["errors"]) == [
        "identifiers.0.system",
        "identifiers.0.value_path",
        "identifiers.1",
        "identifiers.2",
        "mapping.pain_score",
        "mapping.unheard_of",
        "start_key",
        "start_key.header",
    ]


async def test_a_webhook_needs_a_live_care_flow(ingress: RunningIngress) -> None:
    refused = await ingress.admin.post(V1, json={"name": "A", "definition_id": "unheard-of"})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["definition_id"]


async def test_a_new_release_judges_the_next_call(ingress: RunningIngress, settings: IngressSettings) -> None:
    first = definition(release(data_point("a", "string"), release_id="r-1"), "changing")
    await publish_catalogue(settings, first)
    await ingress.called({"url": "/hooks/none"}, {}, 404)

    async def created() -> dict[str, Any]:
        answer = await ingress.admin.post(V1, json={"name": "C", "definition_id": "changing", "mapping": {"a": "$.a"}})
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    webhook = await eventually(created)
    await ingress.enable(webhook)
    await ingress.called(webhook, {"a": "x"}, 202)
    demanding = release(data_point("a", "string"), data_point("b", "number"), release_id="r-2")
    await publish_catalogue(settings, definition(demanding, "changing", 2))
    refused = await ingress.called(webhook, {"a": "x"}, 422)
    assert [(reason["code"], reason["data_point"]) for reason in refused["reasons"]] == [("not_mapped", "b")]
    await publish_catalogue(settings, definition(None, "changing", 3))

    async def is_told(state: str, missing: list[str]) -> bool:
        shown = (await ingress.admin.get(f"{V1}/{webhook['id']}")).json()
        assert (shown["state"], [point["id"] for point in shown["missing_data_points"]]) == (state, missing)
        listed = (await ingress.admin.get(V1, params={"state": state, "definition_id": "changing"})).json()
        assert [one["id"] for one in listed["items"]] == [webhook["id"]]
        return True

    withdrawn = await ingress.called(webhook, {"a": "x"}, 422)
    assert withdrawn["reasons"][0]["code"] in {"definition_not_live", "not_mapped"}
    await eventually(lambda: is_told("definition_not_live", []))
    await publish_catalogue(settings, definition(demanding, "changing", 4))
    await eventually(lambda: is_told("mapping_incomplete", ["b"]))
    await IngressClient(ingress.admin).update_webhook(webhook["id"], mapping={"a": "$.a", "b": {"constant": 1}})
    await is_told("enabled", [])
    await ingress.called(webhook, {"a": "x"}, 202)


async def test_an_old_url_answers_until_its_overlap_ends(
    replicas: tuple[RunningIngress, RunningIngress],
) -> None:
    one, other = replicas
    client = IngressClient(one.admin)
    first = await create(one)
    await one.enable(first)
    rotated = await client.rotate_token(first["id"], overlap_seconds=3600)
    assert rotated.previous_url_until is not None
    second = {"url": rotated.url}
    for replica in replicas:
        await replica.called(second, PAYLOAD, 202)
        await replica.called(first, PAYLOAD, 202)
    third = {"url": (await client.rotate_token(first["id"])).url}
    await other.called(third, PAYLOAD, 202)
    await other.called(first, PAYLOAD, 404)
    await other.called(second, PAYLOAD, 202)
    ended = await client.end_rotation(first["id"])
    assert ended.previous_url_until is None
    await other.called(second, PAYLOAD, 404)
    await other.called(third, PAYLOAD, 202)
    for seconds in (-1, 30 * 86_400 + 1):
        with pytest.raises(RefusedByIngress, match="422: Invalid request"):
            await client.rotate_token(first["id"], overlap_seconds=seconds)


async def test_a_dry_run_tells_the_verdict_and_stores_nothing(
    ingress: RunningIngress, settings: IngressSettings
) -> None:
    client = IngressClient(ingress.admin)
    draft: dict[str, Any] = {"name": "Draft", "definition_id": DEFINITION_ID, "mapping": PATHS}
    topics = Topics(settings.topic_prefix, settings.partitions)
    before = [len(await records_of(settings, topic)) for topic in (topics.requests, topics.refused)]
    accepted = await client.dry_run(draft, payload=PAYLOAD, headers={"Idempotency-Key": "1"})
    assert (accepted.verdict, accepted.start_key_source) == ("accepted", "idempotency-key")
    assert {point.key for point in accepted.data_points} == set(PATHS)
    assert [found.value for found in accepted.identifiers] == ["NC-004217"]
    rule: Any = {"all": [{"reference": "$.pain", "operator": "is_equal_to", "operand": 9}]}
    filtered = await client.dry_run({**draft, "filter": rule}, payload=PAYLOAD)
    assert filtered.verdict == "filtered"
    assert [condition["satisfied"] for condition in filtered.filter or ()] == [False]
    invalid = await client.dry_run({**draft, "mapping": {"pain_score": "no path"}}, payload=PAYLOAD)
    assert [fault.field for fault in invalid.configuration_faults] == ["mapping.pain_score"]
    stored = await create(ingress)
    changes: dict[str, Any] = {"mapping": {**PATHS, "pain_score": "$.patient.name"}}
    rejected = await client.dry_run(changes, webhook_id=stored["id"], payload=PAYLOAD)
    assert [(reason["code"], reason["data_point"]) for reason in rejected.reasons] == [("wrong_type", "pain_score")]
    form = await client.dry_run(
        {}, webhook_id=stored["id"], text="pain=4", content_type="application/x-www-form-urlencoded"
    )
    assert [point.value for point in form.data_points] == [4]
    assert (await client.webhook(stored["id"])).mapping["pain_score"].path == PATHS["pain_score"]
    with pytest.raises(RefusedByIngress, match="413: Payload too large"):
        await client.dry_run(draft, text=" " * (settings.max_body_bytes + 1))
    with pytest.raises(RefusedByIngress, match="404: No such incoming webhook"):
        await client.dry_run({}, webhook_id="0198c000-0000-7000-8000-000000000000", payload=1)
    assert [len(await records_of(settings, topic)) for topic in (topics.requests, topics.refused)] == before


async def test_suggestions_come_from_the_last_test_payload(ingress: RunningIngress) -> None:
    client = IngressClient(ingress.admin)
    created = await create(ingress, mapping={}, redacted=["$.patient"])
    with pytest.raises(
        RefusedByIngress, match=r"404: No test payload yet - Send one to the webhook's test URL"
    ) as none:
        await client.mapping_suggestions(created["id"])
    assert none.value.problem["type"] == "urn:carewire:problem:no_test_payload"
    tested = await ingress.called(created, PAYLOAD, 200, test=True)
    await ingress.logged(tested["request_id"], "TEST")
    found = await client.mapping_suggestions(created["id"])
    assert found.request_id == tested["request_id"]
    fits = {one.path: [fit.key for fit in one.fits] for one in found.paths}
    assert fits["$.surgery.date"][0] == "surgery_date"
    assert fits["$.pain"][0] == "pain_score"
    audited = (await ingress.admin.get("/v1/audit", params={"subject_id": tested["request_id"]})).json()["items"]
    assert {record["action"] for record in audited} == {"request.look_at_payload"}
    assert len(audited) >= 2, "this look, and those at the log"


async def test_lists_are_narrowed_by_state_and_care_flow(ingress: RunningIngress) -> None:
    client = IngressClient(ingress.admin)
    created = [await create(ingress, name=f"state {number}") for number in range(3)]
    await ingress.enable(created[1])
    ids = {one["id"] for one in created}

    async def found(**asked: Any) -> list[str]:
        return [one.id async for one in client.webhooks(limit=1, **asked) if one.id in ids]

    assert await found(state="enabled") == [created[1]["id"]]
    assert await found(state="disabled") == [created[2]["id"], created[0]["id"]]
    assert await found(enabled=True, definition_id=DEFINITION_ID) == [created[1]["id"]]
    assert await found(definition_id="unheard-of") == []


async def test_a_key_that_is_missing_is_named(ingress: RunningIngress, settings: IngressSettings) -> None:
    created = await create(ingress)
    others = IngressSettings(**settings.model_dump() | {"encryption_keys": Keyring.generate()})
    async with running(others, [RECEIVER]) as wrong:
        answer = await wrong.admin.get(f"{V1}/{created['id']}")
        assert answer.status_code == 503
        assert settings.keyring.fingerprint_key_id in answer.json()["detail"]
        assert "CAREWIRE_ENCRYPTION_KEYS" in answer.json()["detail"]


async def test_lists_are_paged_newest_first(ingress: RunningIngress) -> None:
    created = [(await create(ingress, name=f"page {number}"))["id"] for number in range(3)]
    page = (await ingress.admin.get(V1, params={"limit": 2})).json()
    assert [item["id"] for item in page["items"]] == created[:0:-1]
    following = (await ingress.admin.get(V1, params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert following["items"][0]["id"] == created[0]


async def test_roles_decide_who_reads_and_who_configures(ingress: RunningIngress, settings: IngressSettings) -> None:
    created = await create(ingress)
    db = Database(settings.postgres_dsn, "ingress")
    await db.start()
    viewer, operator = [await ApiKeys(db).create(role.value, role) for role in (Role.VIEWER, Role.OPERATOR)]
    await db.stop()

    async def status(key: str, method: str, path: str, **more: Any) -> int:
        headers = {"authorization": f"Bearer {key}"}
        return (await ingress.anyone.request(method, path, headers=headers, **more)).status_code

    one = f"{V1}/{created['id']}"
    assert await status(viewer, "GET", one) == 200
    assert await status(viewer, "POST", one + "/enable") == 403
    assert await status(operator, "POST", one + "/enable") == 403
    assert await status(API_KEY, "POST", one + "/enable") == 200
    assert await status("cw_admin_wrong", "GET", one) == 401
    assert (await ingress.anyone.get(V1)).status_code == 401
    headers = {"authorization": f"Bearer {viewer}"}
    assert (await ingress.anyone.get(one, headers=headers)).json()["url"] is None


async def test_no_secret_travels_in_the_clear(ingress: RunningIngress, settings: IngressSettings) -> None:
    created = await create(ingress)
    token = urlsplit(created["url"]).path.removeprefix("/hooks/")
    await ingress.called(created, PAYLOAD, 409)
    records = await records_of(settings, Topics(settings.topic_prefix).webhooks)
    assert created["id"].encode() in {record.key for record in records}
    assert not any(token.encode() in (record.value or b"") for record in records)


@pytest.mark.parametrize("path", ["/v1/incoming-webhooks/", "/v1/requests/"])
async def test_what_is_not_there_is_not_found(ingress: RunningIngress, path: str) -> None:
    answer = await ingress.admin.get(path + "0198c000-0000-7000-8000-000000000000")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_api_describes_itself(ingress: RunningIngress) -> None:
    document = (await ingress.anyone.get("/openapi.json")).json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == 18 + 2
    assert all(operation["summary"] for operation in operations)
