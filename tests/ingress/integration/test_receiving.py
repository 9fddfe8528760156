"""A call to a webhook becomes a durable record, or an honest refusal."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio

from carewire_contracts.envelope import Envelope, header
from carewire_contracts.identifiers import Identifier
from carewire_contracts.requests import AcceptedRequest, RefusedRequest
from carewire_contracts.topics import Topics
from carewire_ingress.settings import IngressSettings
from carewire_testing_ingress.running import RunningIngress, records_of, running
from carewire_testing_ingress.samples import DEFINITION_ID, MRN, PATHS, PAYLOAD

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingress(settings: IngressSettings) -> AsyncIterator[RunningIngress]:
    async with running(settings) as replica:
        yield replica


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def webhook(ingress: RunningIngress) -> dict[str, Any]:
    created = await ingress.create(name="Surgeries", definition_id=DEFINITION_ID, mapping=PATHS)
    await ingress.enable(created)
    await ingress.called(created, PAYLOAD, 202)
    return created


def topics(settings: IngressSettings) -> Topics:
    return Topics(settings.topic_prefix, settings.partitions)


async def accepted_record(settings: IngressSettings, request_id: str) -> Any:
    records = await records_of(settings, topics(settings).requests)
    return next(record for record in records if record.key == request_id.encode())


async def test_an_accepted_call_is_on_the_topic_when_it_is_answered(
    ingress: RunningIngress, webhook: dict[str, Any], settings: IngressSettings
) -> None:
    body = orjson.dumps(PAYLOAD)
    traceparent = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
    answer = await ingress.call(
        webhook, body, headers={"content-type": "application/fhir+json; charset=utf-8", "traceparent": traceparent}
    )
    assert answer.status_code == 202
    assert answer.json() == {"request_id": answer.json()["request_id"], "status": "SCHEDULED"}
    record = await accepted_record(settings, answer.json()["request_id"])
    request = AcceptedRequest.decode(record.value)
    assert request.payload == body
    assert request.body_digest == hashlib.sha256(body).hexdigest()
    assert request.content_type == "application/fhir+json"
    assert request.webhook_id == webhook["id"]
    assert request.tenant_id == "tenant-1"
    assert request.release_id == "release-1"
    assert request.start_key == request.request_id
    assert request.identifiers == (Identifier(MRN, "NC-004217"),)
    assert {point.data_point_definition_id: point.value for point in request.data_points} == {
        "surgery_date": "2026-03-01T00:00:00.000Z",
        "patient_name": "Ada Example",
        "pain_score": 4,
        "consent": True,
    }
    assert request.expires_at - request.received_at == timedelta(seconds=10)
    assert abs(request.received_at.timestamp() * 1000 - record.timestamp) < 2000
    assert Envelope.of(record.headers).id == request.request_id
    assert (header(record.headers, "traceparent") or "")[3:35] == traceparent[3:35]


async def test_a_repeated_delivery_has_the_same_start_key_and_another_request_id(
    ingress: RunningIngress, webhook: dict[str, Any], settings: IngressSettings
) -> None:
    headers = {"idempotency-key": "delivery-1"}
    answers = [(await ingress.call(webhook, PAYLOAD, headers=headers)).json()["request_id"] for _ in range(2)]
    requests = [AcceptedRequest.decode((await accepted_record(settings, id_)).value) for id_ in answers]
    assert len({request.request_id for request in requests}) == 2
    assert len({request.start_key for request in requests}) == 1


async def test_a_malformed_traceparent_goes_nowhere(
    ingress: RunningIngress, webhook: dict[str, Any], settings: IngressSettings
) -> None:
    headers = {"traceparent": "00-NC-004217-is-the-record-number-of-somebody-whom-we-know-00"}
    answer = await ingress.call(webhook, PAYLOAD, headers=headers)
    record = await accepted_record(settings, answer.json()["request_id"])
    assert "NC-004217" not in (header(record.headers, "traceparent") or "")


async def test_a_rejected_call_hears_every_reason_and_is_logged(
    ingress: RunningIngress, webhook: dict[str, Any], settings: IngressSettings
) -> None:
    wrong = {"surgery": {"date": "soon"}, "pain": 99, "patient_identifier": {"system": MRN, "value": "UNKNOWN"}}
    answer = await ingress.call(webhook, wrong)
    body = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [(reason["code"], reason["path"]) for reason in body["reasons"]] == [
        ("wrong_type", "$.surgery.date"),
        ("no_match", "$.patient.name"),
        ("out_of_range", "$.pain"),
        ("placeholder_identifier", "$.patient_identifier"),
    ]
    details = await ingress.logged(body["request_id"], "REJECTED")
    assert details["reasons"] == body["reasons"]
    assert details["payload"] == wrong
    records = await records_of(settings, topics(settings).refused)
    refused = next(record for record in records if record.key == body["request_id"].encode())
    assert RefusedRequest.decode(refused.value).status == "REJECTED"


async def test_a_disabled_webhook_answers_conflict_but_its_test_link_works(ingress: RunningIngress) -> None:
    created = await ingress.create(name="Not yet", definition_id=DEFINITION_ID, mapping={})
    refused = await ingress.called(created, PAYLOAD, 409)
    assert [reason["code"] for reason in refused["reasons"]] == ["disabled"]
    tested = await ingress.call(created, PAYLOAD, test=True)
    assert tested.status_code == 200
    assert tested.json()["verdict"] == "would_be_rejected"
    assert [reason["code"] for reason in tested.json()["reasons"]] == ["not_mapped"] * 3
    details = await ingress.logged(tested.json()["request_id"], "TEST")
    assert details["reasons"] == tested.json()["reasons"]
    assert details["webhook_name"] == "Not yet"


async def test_a_test_that_would_be_accepted_starts_nothing(
    ingress: RunningIngress, webhook: dict[str, Any], settings: IngressSettings
) -> None:
    tested = (await ingress.call(webhook, PAYLOAD, test=True)).json()
    assert (tested["status"], tested["verdict"], tested["reasons"]) == ("TEST", "would_be_accepted", [])
    await ingress.logged(tested["request_id"], "TEST")
    keys = [record.key for record in await records_of(settings, topics(settings).requests)]
    assert tested["request_id"].encode() not in keys


async def test_what_is_no_call_is_refused_without_a_trace_in_the_log(
    ingress: RunningIngress, webhook: dict[str, Any]
) -> None:
    async def status(**request: Any) -> int:
        answer: httpx.Response = await ingress.anyone.request(**({"method": "POST", "url": path} | request))
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code

    path = httpx.URL(webhook["url"]).path
    assert await status(url="/hooks/no-such-token", json={}) == 404
    assert await status(url=path + "/other", json={}) == 404
    assert await status(url="/hooks/", json={}) == 404
    assert await status(method="GET") == 405
    assert await status(content=b"<a/>", headers={"content-type": "text/xml"}) == 415
    assert await status(content=b"{}", headers={"content-encoding": "gzip"}) == 415
    assert await status(content=b" " * 1_048_577) == 413


async def test_a_body_sent_without_its_length_is_cut_at_the_cap(
    ingress: RunningIngress, webhook: dict[str, Any]
) -> None:
    async def drip() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    answer = await ingress.anyone.post(httpx.URL(webhook["url"]).path, content=drip())
    assert answer.status_code == 413


async def test_a_body_of_the_cap_is_accepted(
    ingress: RunningIngress, webhook: dict[str, Any], settings: IngressSettings
) -> None:
    body = orjson.dumps(PAYLOAD)
    body += b" " * (settings.max_body_bytes - len(body))
    answer = await ingress.call(webhook, body)
    assert answer.status_code == 202, answer.text
    details = await ingress.logged(answer.json()["request_id"], "SCHEDULED")
    assert details["payload"] == PAYLOAD
