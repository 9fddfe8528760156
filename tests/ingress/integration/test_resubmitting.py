"""Staff send rejected and failed requests again; whatever they click, a call starts one care flow."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import pytest_asyncio

from carewire_contracts.requests import AcceptedRequest
from carewire_contracts.statuses import FailureReason, RequestFailed
from carewire_contracts.topics import Topics
from carewire_contracts.wire import encode
from carewire_ingress import app
from carewire_ingress.settings import IngressSettings
from carewire_runtime.auth import ApiKeys, Role
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.pool import Database
from carewire_testing.waiting import eventually
from carewire_testing_ingress.running import RunningIngress, publish, records_of, running
from carewire_testing_ingress.samples import DEFINITION_ID, PATHS, PAYLOAD

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANARY = "canary-41c7"
WRONG = PAYLOAD | {"pain": "much", "note": CANARY}
CORRECTED = PATHS | {"pain_score": {"constant": 3}}
V1 = "/v1/requests"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingress(settings: IngressSettings) -> AsyncIterator[RunningIngress]:
    async with running(settings) as replica:
        yield replica


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def keys(settings: IngressSettings) -> dict[Role, dict[str, str]]:
    db = Database(settings.postgres_dsn, app.SERVICE)
    await db.start()
    try:
        plain = {role: await ApiKeys(db).create(f"a {role}", role) for role in (Role.VIEWER, Role.OPERATOR)}
    finally:
        await db.stop()
    return {role: {"authorization": f"Bearer {key}"} for role, key in plain.items()}


async def webhook(ingress: RunningIngress, **more: Any) -> dict[str, Any]:
    created = await ingress.create(**({"name": "S", "definition_id": DEFINITION_ID, "mapping": PATHS} | more))
    await ingress.enable(created)
    return created


async def rejected(ingress: RunningIngress, created: dict[str, Any], payload: Any = WRONG) -> str:
    request_id: str = (await ingress.called(created, payload, 422))["request_id"]
    await ingress.logged(request_id, "REJECTED")
    return request_id


async def correct(ingress: RunningIngress, created: dict[str, Any]) -> None:
    answer = await ingress.admin.patch(f"/v1/incoming-webhooks/{created['id']}", json={"mapping": CORRECTED})
    assert answer.status_code == 200, answer.text


async def accepted(settings: IngressSettings, request_id: str) -> AcceptedRequest:
    records = await records_of(settings, Topics(settings.topic_prefix, settings.partitions).requests)
    (value,) = [record.value for record in records if record.key == request_id.encode()]
    return AcceptedRequest.decode(value)


async def fail(settings: IngressSettings, request_id: str, webhook_id: str, reason: FailureReason) -> None:
    event = RequestFailed(
        request_id=request_id,
        tenant_id="t",
        webhook_id=webhook_id,
        definition_id=DEFINITION_ID,
        date=datetime.now(UTC),
        reason=reason,
        message="The cause and the cure.",
    )
    await publish(settings, (Topics(settings.topic_prefix).incoming_webhooks.name, request_id, encode(event)))


async def test_a_rejected_request_is_judged_by_the_mapping_of_now(
    ingress: RunningIngress, settings: IngressSettings
) -> None:
    created = await webhook(ingress)
    original = await rejected(ingress, created)
    refused = await ingress.admin.post(f"{V1}/{original}/resubmit")
    assert refused.status_code == 422
    assert [reason["code"] for reason in refused.json()["reasons"]] == ["wrong_type"]
    assert CANARY not in refused.text
    await correct(ingress, created)
    answer = await ingress.admin.post(f"{V1}/{original}/resubmit")
    assert answer.status_code == 202, answer.text
    again = answer.json()["request_id"]
    assert answer.json() == {"request_id": again, "status": "SCHEDULED", "resubmission_of": original}
    details = await ingress.logged(again, "SCHEDULED")
    assert details["resubmission_of"] == original
    assert details["payload"] == WRONG
    assert original in details["statuses"][0]["done"]
    first = await ingress.logged(original, "REJECTED")
    assert first["resubmitted_as"] == [refused.json()["request_id"], again]
    record = await accepted(settings, again)
    assert (record.resubmission_of, record.payload) == (original, orjson.dumps(WRONG))
    assert record.expires_at > record.received_at


async def test_two_clicks_and_a_refused_one_between_share_one_start_key(
    ingress: RunningIngress, settings: IngressSettings
) -> None:
    created = await webhook(ingress)
    original = await rejected(ingress, created)
    refused = (await ingress.admin.post(f"{V1}/{original}/resubmit")).json()["request_id"]
    await ingress.logged(refused, "REJECTED")
    await correct(ingress, created)
    clicks = [(await ingress.admin.post(f"{V1}/{one}/resubmit")).json() for one in (original, original, refused)]
    records = [await accepted(settings, click["request_id"]) for click in clicks]
    assert len({record.start_key for record in records}) == 1
    assert len({record.body_digest for record in records}) == 1
    assert records[0].start_key not in {original, clicks[0]["request_id"]}


async def test_what_its_sender_repeats_meanwhile_shares_its_start_key(
    ingress: RunningIngress, settings: IngressSettings
) -> None:
    created = await webhook(ingress)
    key = {"idempotency-key": new_id()}
    calls = [(await ingress.called(created, WRONG, 422, headers=key))["request_id"] for _ in range(2)]
    for call in calls:
        await ingress.logged(call, "REJECTED")
    await correct(ingress, created)
    clicks = [(await ingress.admin.post(f"{V1}/{call}/resubmit")).json()["request_id"] for call in calls]
    repeated = (await ingress.called(created, WRONG, 202, headers=key))["request_id"]
    records = [await accepted(settings, one) for one in (*clicks, repeated)]
    assert len({(record.start_key, record.body_digest) for record in records}) == 1


async def test_a_resubmission_that_failed_is_sent_again_under_another_key(
    ingress: RunningIngress, settings: IngressSettings
) -> None:
    created = await webhook(ingress)
    call = (await ingress.called(created, PAYLOAD, 202))["request_id"]
    line = [call]
    for reason in (FailureReason.IDENTITY_CONFLICT, FailureReason.IDENTITY_CONFLICT, FailureReason.NOT_ACKNOWLEDGED):
        await ingress.logged(line[-1], "SCHEDULED")
        await fail(settings, line[-1], created["id"], reason)
        await ingress.logged(line[-1], "FAILED")
        answer = await ingress.admin.post(f"{V1}/{line[-1]}/resubmit")
        assert answer.status_code == 202, answer.text
        line.append(answer.json()["request_id"])
    start_keys = [(await accepted(settings, one)).start_key for one in line]
    assert len(set(start_keys[:3])) == 3
    assert start_keys[3] == start_keys[2], "an expired record used no key up"


async def problem(ingress: RunningIngress, request_id: str, status: int) -> dict[str, Any]:
    answer = await ingress.admin.post(f"{V1}/{request_id}/resubmit")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    return body


async def test_what_cannot_be_sent_again_says_why(ingress: RunningIngress, settings: IngressSettings) -> None:
    assert (await problem(ingress, new_id(), 404))["reason"] == "unknown_request"
    created = await webhook(ingress)
    waiting = (await ingress.called(created, PAYLOAD, 202))["request_id"]
    await ingress.logged(waiting, "SCHEDULED")
    assert (await problem(ingress, waiting, 409))["reason"] == "not_resubmittable"
    tested = (await ingress.called(created, WRONG, 200, test=True))["request_id"]
    await ingress.logged(tested, "TEST")
    assert (await problem(ingress, tested, 409))["reason"] == "not_resubmittable"
    lost = new_id()
    await fail(settings, lost, created["id"], FailureReason.IDENTITY_CONFLICT)
    await ingress.logged(lost, "FAILED")
    assert (await problem(ingress, lost, 409))["reason"] == "payload_not_kept"
    orphan = await rejected(ingress, created)
    await ingress.admin.post(f"/v1/incoming-webhooks/{created['id']}/disable")
    assert [one["code"] for one in (await problem(ingress, orphan, 422))["reasons"]] == ["disabled"]
    await ingress.admin.delete(f"/v1/incoming-webhooks/{created['id']}")
    assert (await problem(ingress, orphan, 409))["reason"] == "webhook_deleted"


async def test_a_payload_over_the_cap_of_now_is_not_sent_again(
    ingress: RunningIngress, settings: IngressSettings
) -> None:
    created = await webhook(ingress)
    large = await rejected(ingress, created, WRONG | {"pad": "x" * 2_000})
    async with running(settings.model_copy(update={"max_body_bytes": 1_024}), [app.RECEIVER]) as small:
        assert (await problem(small, large, 413))["reason"] == "too_large"


async def test_many_are_sent_again_by_their_ids_each_with_its_outcome(ingress: RunningIngress) -> None:
    created = await webhook(ingress)
    ids = [await rejected(ingress, created) for _ in range(3)]
    await correct(ingress, created)
    unknown = new_id()
    answer = await ingress.admin.post(f"{V1}/resubmit", json={"ids": [ids[0], unknown, ids[1], ids[0]]})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [(item["request_id"], item["outcome"]) for item in body["items"]] == [
        (ids[0], "scheduled"),
        (unknown, "unknown_request"),
        (ids[1], "scheduled"),
    ]
    assert (body["remaining"], body["next_cursor"]) == (0, None)
    await ingress.logged(body["items"][0]["resubmitted_as"], "SCHEDULED")


async def test_many_are_sent_again_by_filters_until_none_remains(ingress: RunningIngress) -> None:
    created = await webhook(ingress)
    ids = [await rejected(ingress, created) for _ in range(5)]
    await correct(ingress, created)
    wanted: dict[str, Any] = {"filters": {"webhook_id": created["id"], "reason": "wrong_type"}, "limit": 3}
    body = (await ingress.admin.post(f"{V1}/resubmit", json=wanted)).json()
    assert [item["request_id"] for item in body["items"]] == ids[:1:-1]
    assert body["remaining"] == 2
    rest = (await ingress.admin.post(f"{V1}/resubmit", json=wanted | {"cursor": body["next_cursor"]})).json()
    assert [item["request_id"] for item in rest["items"]] == ids[1::-1]
    assert (rest["remaining"], rest["next_cursor"]) == (0, None)
    for item in body["items"] + rest["items"]:
        await ingress.logged(item["resubmitted_as"], "SCHEDULED")
    assert (await ingress.admin.post(f"{V1}/resubmit", json=wanted)).json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": []},
        {"ids": ["no id"]},
        {"ids": [new_id()], "filters": {}},
        {"ids": [new_id()] * 1_001},
        {"filters": {"unheard": 1}},
        {"filters": {}, "limit": 1_001},
        {"filters": {}, "cursor": "none-of-ours"},
        {"ids": [new_id()], "cursor": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=["neither", "none", "no-id", "both", "too-many", "unknown-filter", "limit", "cursor", "ids-and-cursor"],
)
async def test_a_malformed_order_to_send_many_is_the_callers_mistake(
    ingress: RunningIngress, body: dict[str, Any]
) -> None:
    answer = await ingress.admin.post(f"{V1}/resubmit", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_details_explain_each_status_and_hide_what_is_redacted(ingress: RunningIngress) -> None:
    created = await webhook(ingress, redacted=["$.patient.name", "$.note"])
    request_id = (await ingress.called(created, PAYLOAD | {"note": CANARY}, 202))["request_id"]
    details = await ingress.logged(request_id, "SCHEDULED")
    assert [step["done"] for step in details["statuses"]] == ["Stored and queued for the orchestrator."]
    assert details["payload"]["note"] == details["payload"]["patient"]["name"] == "[redacted]"
    values = {point["key"]: point["value"] for point in details["data_points"]}
    assert values["patient_name"] == "[redacted]"
    assert values["pain_score"] == 4
    bare = (await ingress.admin.get(f"{V1}/{request_id}", params={"payload": False})).json()
    assert (bare["payload"], bare["payload_kept"]) == (None, True)
    assert {point["value"] for point in bare["data_points"]} == {None}
    assert {point["key"] for point in bare["data_points"]} == set(values)


async def lines(ingress: RunningIngress, headers: dict[str, str], **asked: Any) -> list[dict[str, Any]]:
    answer = await ingress.anyone.get(f"{V1}/export", params=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [orjson.loads(line) for line in answer.content.splitlines()]


async def test_an_export_holds_all_that_fits_and_payloads_only_when_asked_for(
    ingress: RunningIngress, keys: dict[Role, dict[str, str]]
) -> None:
    created = await webhook(ingress, redacted=["$.note"])
    ids = [await rejected(ingress, created) for _ in range(23)]
    operator = keys[Role.OPERATOR]
    plain = await lines(ingress, operator, webhook_id=created["id"], reason="wrong_type")
    assert [line["id"] for line in plain] == ids[::-1]
    assert {str(line["payload"]) for line in plain} == {"None"}
    full = await lines(ingress, operator, webhook_id=created["id"], reason="wrong_type", payload=True)
    assert [line["payload"] for line in full] == [WRONG | {"note": "[redacted]"}] * 23
    assert CANARY not in orjson.dumps(full).decode()
    assert await lines(ingress, operator, webhook_id=new_id()) == []
    refused = await ingress.anyone.get(f"{V1}/export", headers=keys[Role.VIEWER])
    assert refused.status_code == 403
    page = await ingress.admin.get("/v1/audit", params={"subject_id": ids[0], "action": "request.look_at_payload"})
    assert {record["principal_name"] for record in page.json()["items"]} == {"bootstrap", "a operator"}


async def test_viewers_send_nothing_again(ingress: RunningIngress, keys: dict[Role, dict[str, str]]) -> None:
    for path in (f"{V1}/{new_id()}/resubmit", f"{V1}/resubmit"):
        answer = await ingress.anyone.post(path, json={"filters": {}}, headers=keys[Role.VIEWER])
        assert answer.status_code == 403
        assert (await ingress.anyone.post(path, json={"filters": {}})).status_code == 401


async def audited(ingress: RunningIngress, **asked: Any) -> list[dict[str, Any]]:
    answer = await ingress.admin.get("/v1/audit", params=asked)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_every_change_of_a_webhook_is_on_record(
    ingress: RunningIngress, keys: dict[Role, dict[str, str]]
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    created = await webhook(ingress)
    path = f"/v1/incoming-webhooks/{created['id']}"
    await ingress.admin.patch(path, json={"name": CANARY})
    await ingress.admin.patch(path, json={"mapping": {}})
    for step in ("disable", "rotate-token"):
        await ingress.admin.post(f"{path}/{step}", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    await ingress.admin.delete(path)
    found = await audited(ingress, subject_id=created["id"], subject_kind="webhook")
    assert [record["action"].removeprefix("webhook.") for record in found] == [
        "delete",
        "rotate_token",
        "disable",
        "update",
        "enable",
        "create",
    ]
    assert {(record["principal_name"], record["principal_role"]) for record in found} == {("bootstrap", "admin")}
    assert [record["trace_id"] for record in found[1:3]] == [trace, trace]
    assert CANARY not in orjson.dumps(found).decode()
    assert (await ingress.anyone.get("/v1/audit", headers=keys[Role.OPERATOR])).status_code == 403


async def test_looks_and_resubmissions_are_on_record_and_refusals_to_look_are_none(ingress: RunningIngress) -> None:
    created = await webhook(ingress)
    original = await rejected(ingress, created)
    await ingress.admin.get(f"{V1}/{original}", params={"payload": False})
    looks = len(await audited(ingress, subject_id=original))
    await ingress.admin.get(f"{V1}/{original}")
    await ingress.admin.post(f"{V1}/{original}/resubmit")
    found = [record["action"] for record in await audited(ingress, subject_id=original)]
    assert found[:2] == ["request.resubmit", "request.look_at_payload"]
    assert len(found) == looks + 2


async def test_the_audit_is_read_page_by_page(ingress: RunningIngress) -> None:
    whole = await audited(ingress, limit=200)
    some = (await ingress.admin.get("/v1/audit", params={"limit": 2})).json()
    more = (await ingress.admin.get("/v1/audit", params={"limit": 2, "cursor": some["next_cursor"]})).json()
    assert some["items"] + more["items"] == whole[:4]
    assert await audited(ingress, until=whole[-1]["at"], principal_id="nobody") == []
    assert (await audited(ingress, action="webhook.create", since=whole[-1]["at"]))[-1]["action"] == "webhook.create"


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (V1, {"cursor": "none-of-ours"}),
        (V1, {"limit": "0"}),
        (V1, {"webhook_id": "none"}),
        (V1, {"received_from": "yesterday"}),
        (V1, {"received_to": "2026-03-02T08:15:30"}),
        (V1, {"reason": "unheard_of"}),
        (V1, {"unheard_of": "1"}),
        (f"{V1}/export", {"webhook_id": "none"}),
        ("/v1/audit", {"cursor": "none-of-ours"}),
        ("/v1/audit", {"since": "yesterday"}),
        ("/v1/audit", {"unheard_of": "1"}),
    ],
    ids=str,
)
async def test_a_wrong_filter_is_named_and_not_repeated(
    ingress: RunningIngress, path: str, asked: dict[str, str]
) -> None:
    answer = await ingress.admin.get(path, params=asked)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    (name, value) = next(iter(asked.items()))
    assert error["field"] == name
    assert value == "0" or value == "1" or value not in answer.text


async def test_the_log_is_filtered_by_what_was_logged(ingress: RunningIngress) -> None:
    created = await webhook(ingress)
    request_id = await rejected(ingress, created)

    async def listed(**asked: Any) -> list[str]:
        answer = await ingress.admin.get(V1, params={"webhook_id": created["id"], **asked})
        return [item["id"] for item in answer.json()["items"]]

    assert await listed(reason="wrong_type") == [request_id]
    assert await listed(reason="no_match") == []
    assert await listed(status=["REJECTED", "FAILED"], reason="wrong_type", resubmittable=True) == [request_id]
    assert await listed(request_id=request_id, definition_id=DEFINITION_ID) == [request_id]
    refused = (await ingress.admin.post(f"{V1}/{request_id}/resubmit")).json()["request_id"]

    async def latest_alone() -> bool:
        return await listed(reason="wrong_type", resubmittable=True) == [refused]

    await eventually(latest_alone)
