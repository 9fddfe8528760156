"""Staff say who sends; from then on nobody else's call starts anything, and no secret can be read back."""

import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
import pytest_asyncio

from carewire_contracts.topics import Topics
from carewire_ingress.settings import IngressSettings
from carewire_runtime.postgres.pool import Database
from carewire_testing.waiting import eventually
from carewire_testing_ingress.proofs import NEW, OLD, PROOFS, STRANGE, in_base64, slack
from carewire_testing_ingress.running import RunningIngress, records_of, running
from carewire_testing_ingress.samples import DEFINITION_ID, PATHS, PAYLOAD

pytestmark = pytest.mark.asyncio(loop_scope="module")

V1 = "/v1/incoming-webhooks"
BODY = orjson.dumps(PAYLOAD)
PUBLIC = "https://hooks.example.org"
NEEDS_ITS_OWN_BODY = {"twilio_form", "microsoft_graph"}
SIGNS_THE_URL = {"twilio_json", "twilio_form", "hmac"}
"""Schemes whose proof is made for another address; Twilio has a test of its own."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingress(settings: IngressSettings) -> AsyncIterator[RunningIngress]:
    behind_a_proxy = settings.model_copy(update={"ingress_public_url": PUBLIC, "trusted_proxies": "127.0.0.0/8"})
    async with running(behind_a_proxy) as replica:
        yield replica


async def create(ingress: RunningIngress, **more: Any) -> dict[str, Any]:
    created = await ingress.create(**({"name": "A", "definition_id": DEFINITION_ID, "mapping": PATHS} | more))
    await ingress.enable(created)
    return created


def entered(name: str, *secrets: str) -> dict[str, Any]:
    proof = PROOFS[name]
    return {**proof.scheme, "secrets": [proof.entered(secret) for secret in secrets]}


def signed(name: str, secret: str, body: bytes = BODY) -> dict[str, bytes]:
    call = PROOFS[name].sign(secret, body, int(time.time()))
    return {"content-type": b"application/json"} | {key.decode(): value for key, value in call.headers}


async def ask(
    ingress: RunningIngress, webhook: dict[str, Any], headers: dict[str, bytes], body: bytes = BODY, **more: Any
) -> httpx.Response:
    raw: Any = headers
    return await ingress.call(webhook, body, headers=raw, **more)


async def asked_until(
    ingress: RunningIngress, webhook: dict[str, Any], headers: dict[str, bytes], status: int
) -> dict[str, Any]:
    return await ingress.called(webhook, BODY, status, headers=headers)


@pytest.mark.parametrize("name", sorted(PROOFS.keys() - NEEDS_ITS_OWN_BODY - SIGNS_THE_URL))
async def test_every_scheme_lets_its_sender_in_and_strangers_not(ingress: RunningIngress, name: str) -> None:
    webhook = await create(ingress, sender=entered(name, NEW))
    await asked_until(ingress, webhook, signed(name, NEW), 202)
    refused = await ask(ingress, webhook, signed(name, STRANGE))
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["reasons"][0]["code"] == "unauthenticated"


async def test_a_stranger_is_in_the_log_with_the_reason_and_without_the_payload(ingress: RunningIngress) -> None:
    webhook = await create(ingress, sender=entered("github", NEW))
    await asked_until(ingress, webhook, signed("github", NEW), 202)
    refused = await ask(ingress, webhook, signed("github", STRANGE))
    details = await ingress.logged(refused.json()["request_id"], "REJECTED")
    assert [reason["code"] for reason in details["reasons"]] == ["unauthenticated"]
    assert details["payload"] is None
    assert details["data_points"] == []
    assert "Ada Example" not in orjson.dumps(details).decode()


async def test_one_byte_changed_on_the_way_is_noticed(ingress: RunningIngress) -> None:
    webhook = await create(ingress, sender=entered("stripe", NEW))
    await asked_until(ingress, webhook, signed("stripe", NEW), 202)
    changed = BODY.replace(b'"pain":4', b'"pain":9')
    assert changed != BODY
    assert (await ask(ingress, webhook, signed("stripe", NEW), changed)).status_code == 401


async def test_twilio_signs_the_public_address_with_its_query(ingress: RunningIngress) -> None:
    webhook = await create(ingress, sender=entered("twilio_json", NEW))
    path = urlsplit(webhook["url"]).path
    assert webhook["url"].startswith(PUBLIC)
    form = b"Body=Hello+World&From=%2B14158675309"

    async def status(url: str) -> int:
        content = url.encode() + b"BodyHello World" + b"From+14158675309"
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": in_base64(NEW, content, "sha1"),
        }
        return (await ingress.anyone.post(path + "?a=1&b=%2F", content=form, headers=headers)).status_code

    async def judged() -> bool:
        return await status(f"{PUBLIC}{path}?a=1&b=%2F") == 422

    await eventually(judged)
    assert await status(f"{PUBLIC}{path}") == 401
    assert await status(f"http://127.0.0.1{path}?a=1&b=%2F") == 401


async def test_two_secrets_count_until_the_old_one_is_taken_away(ingress: RunningIngress) -> None:
    webhook = await create(ingress, sender=entered("slack", OLD))
    await asked_until(ingress, webhook, signed("slack", OLD), 202)
    one = f"{V1}/{webhook['id']}"
    both = (await ingress.admin.patch(one, json={"sender": entered("slack", NEW, OLD)})).json()
    assert both["sender_secret_count"] == 2
    await asked_until(ingress, webhook, signed("slack", NEW), 202)
    assert (await ask(ingress, webhook, signed("slack", OLD))).status_code == 202
    assert (await ingress.admin.patch(one, json={"sender": entered("slack", NEW)})).json()["sender_secret_count"] == 1
    await asked_until(ingress, webhook, signed("slack", OLD), 401)
    assert (await ask(ingress, webhook, signed("slack", NEW))).status_code == 202


async def test_secrets_are_kept_by_changes_that_do_not_name_them_and_go_with_the_sender(
    ingress: RunningIngress,
) -> None:
    webhook = await create(ingress, sender=entered("hmac", NEW))
    one = f"{V1}/{webhook['id']}"
    for change in ({"name": "B"}, {"sender": {**PROOFS["hmac"].scheme, "header": "X-Other"}}):
        shown = (await ingress.admin.patch(one, json=change)).json()
        assert shown["sender_secret_count"] == 1, shown
    assert shown["sender"]["header"] == "X-Other"
    refused = await ingress.admin.patch(one, json={"sender": {"scheme": "stripe"}})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["sender.secrets"]
    assert (await ingress.admin.get(one)).json()["sender"]["scheme"] == "hmac"
    cleared = (await ingress.admin.patch(one, json={"sender": None})).json()
    assert (cleared["sender"], cleared["sender_secret_count"]) == (None, 0)
    await ingress.called(webhook, PAYLOAD, 202)


@pytest.mark.parametrize(
    ("sender", "field"),
    [
        pytest.param({"scheme": "github"}, "sender.secrets", id="no secret"),
        pytest.param({"scheme": "meta", "secrets": ["s"]}, "sender.verify_token", id="no verify token"),
    ],
)
async def test_a_sender_without_its_secret_is_not_saved(
    ingress: RunningIngress, sender: dict[str, Any], field: str
) -> None:
    refused = await ingress.admin.post(V1, json={"name": "A", "definition_id": DEFINITION_ID, "sender": sender})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_a_secret_that_cannot_be_right_is_refused_without_being_repeated(ingress: RunningIngress) -> None:
    sender = {"scheme": "standard_webhooks", "secrets": ["canary-7Yq2 "]}
    refused = await ingress.admin.post(V1, json={"name": "A", "definition_id": DEFINITION_ID, "sender": sender})
    assert refused.status_code == 422
    assert "canary" not in refused.text


async def test_no_secret_is_shown_stored_or_sent_in_the_clear(
    ingress: RunningIngress, settings: IngressSettings
) -> None:
    canary = "canary-9Kd1-of-the-sender"
    sender = {"scheme": "meta", "secrets": [canary], "verify_token": canary + "-token"}
    webhook = await create(ingress, sender=sender)
    one = f"{V1}/{webhook['id']}"
    shown = [orjson.dumps(webhook).decode(), (await ingress.admin.get(one)).text, (await ingress.admin.get(V1)).text]
    assert webhook["sender"] == {"scheme": "meta"}
    db = Database(settings.postgres_dsn, "ingress")
    await db.start()
    async with db.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM incoming_webhook WHERE id = $1", webhook["id"])
        outbox = await connection.fetch("SELECT * FROM outbox")
    await db.stop()
    assert row["sender_sealed"]

    async def published() -> list[str]:
        records = await records_of(settings, Topics(settings.topic_prefix).webhooks)
        found = [repr(record) for record in records if record.key == webhook["id"].encode()]
        assert found
        return found

    for text in (*shown, repr(dict(row)), repr(outbox), *await eventually(published)):
        assert canary not in text


async def test_a_handshake_is_answered_while_the_webhook_is_still_disabled(ingress: RunningIngress) -> None:
    asking = orjson.dumps({"type": "url_verification", "challenge": "3eZbrw1a"})
    webhook = await ingress.create(name="A", definition_id=DEFINITION_ID, mapping=PATHS, sender=entered("slack", NEW))
    call = slack(NEW, asking, int(time.time()))
    headers = {key.decode(): value for key, value in call.headers} | {"content-type": b"application/json"}

    async def answered() -> httpx.Response:
        answer = await ask(ingress, webhook, headers, asking)
        assert answer.status_code == 200, answer.text
        return answer

    answer = await eventually(answered)
    assert answer.json() == {"challenge": "3eZbrw1a"}
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_handshake_by_get_is_answered_and_any_other_get_is_not_allowed(ingress: RunningIngress) -> None:
    sender = {"scheme": "meta", "secrets": [NEW], "verify_token": "meatyhamhock"}
    webhook = await create(ingress, sender=sender)
    path = urlsplit(webhook["url"]).path

    async def status(token: str) -> tuple[int, str]:
        query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token}
        answer = await ingress.anyone.get(path, params=query)
        return answer.status_code, answer.text

    async def answered() -> bool:
        return await status("meatyhamhock") == (200, "1158201444")

    await eventually(answered)
    assert (await status("guessed"))[0] == 401
    assert (await ingress.anyone.get(path)).status_code == 405


async def test_ranges_count_behind_our_own_proxy_and_beside_a_signature(ingress: RunningIngress) -> None:
    webhook = await create(ingress, sender=entered("github", NEW), allowed_ips=["203.0.113.0/24"])
    assert webhook["allowed_ips"] == ["203.0.113.0/24"]
    good = signed("github", NEW)
    await asked_until(ingress, webhook, good | {"x-forwarded-for": b"203.0.113.9"}, 202)
    for forwarded in (b"198.51.100.1", b"203.0.113.9, 198.51.100.1"):
        refused = await ask(ingress, webhook, good | {"x-forwarded-for": forwarded})
        assert refused.status_code == 401
        assert refused.json()["reasons"][0]["path"] == "client address"
    assert (await ask(ingress, webhook, good)).status_code == 401
    stranger = signed("github", STRANGE) | {"x-forwarded-for": b"203.0.113.9"}
    assert (await ask(ingress, webhook, stranger)).status_code == 401


async def test_a_test_call_is_verified_as_well(ingress: RunningIngress) -> None:
    webhook = await create(ingress, sender=entered("github", NEW))
    await asked_until(ingress, webhook, signed("github", NEW), 202)
    believed = await ask(ingress, webhook, signed("github", NEW), test=True)
    assert believed.json()["verdict"] == "would_be_accepted"
    doubted = await ask(ingress, webhook, signed("github", STRANGE), test=True)
    assert (doubted.status_code, doubted.json()["verdict"]) == (200, "would_be_rejected")
    details = await ingress.logged(doubted.json()["request_id"], "TEST")
    assert [reason["code"] for reason in details["reasons"]] == ["unauthenticated"]


async def test_a_repeated_delivery_is_known_by_the_senders_own_id(
    ingress: RunningIngress, settings: IngressSettings
) -> None:
    webhook = await create(ingress, sender=entered("github", NEW))
    headers = signed("github", NEW) | {"x-github-delivery": b"72d3162e-cc78-11e3-81ab-4c9367dc0958"}
    first = await asked_until(ingress, webhook, headers, 202)
    second = (await ask(ingress, webhook, headers)).json()
    records = await records_of(settings, Topics(settings.topic_prefix, settings.partitions).requests)
    keys = {record.key: orjson.loads(record.value or b"{}")["start_key"] for record in records}
    assert keys[first["request_id"].encode()] == keys[second["request_id"].encode()]
    assert first["request_id"] != second["request_id"]
