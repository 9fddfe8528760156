"""What a caller is told, from the head of a request to its body, without a Kafka that matters."""

import asyncio
import hashlib
from typing import Any

import orjson
import pytest

from carewire_contracts.catalogue import CatalogueDefinition
from carewire_contracts.requests import AcceptedRequest, RefusedRequest
from carewire_contracts.topics import Topics
from carewire_ingress.adapters.admission_plans import AdmissionPlans
from carewire_ingress.adapters.receiver import Limits, Receiver
from carewire_ingress.adapters.request_channel import ACKNOWLEDGE_WITHIN_S, RequestChannel
from carewire_ingress.adapters.request_records import RequestRecords
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import KafkaError, KafkaUnavailable
from carewire_runtime.kafka.producer import Appended, Headers
from carewire_testing.waiting import eventually
from carewire_testing_ingress import played
from carewire_testing_ingress.gates import gate
from carewire_testing_ingress.played import Played
from carewire_testing_ingress.samples import DEFINITION_ID, PAYLOAD, SYSTEMS, definition, release, webhook
from carewire_testing_ingress.scripted_producer import ScriptedProducer

TOKEN = "token"
BROKER_MS = 1_800_000_000_000
MAX_BODY = 10_000
JSON_TYPE = (b"content-type", b"application/json")
BODY = orjson.dumps(PAYLOAD)
LIVE = definition(release())


class PromptProducer(ScriptedProducer):
    """Acknowledges at once, unless told to fail, and keeps the headers that came along."""

    def __init__(self) -> None:
        super().__init__()
        self.outcome: KafkaError | None = None
        self.headers: list[Headers] = []

    async def hand_over(self, *args: Any, **more: Any) -> int:
        taken = await super().hand_over(*args, **more)
        batch = self.sent[-1]
        self.headers += [one.headers for one in batch.records]
        batch.settle(self.outcome or Appended(batch.topic, batch.partition, batch.offset, BROKER_MS))
        return taken


class Tables:
    """One webhook and what is live for it."""

    def __init__(self, known: IncomingWebhook, live: CatalogueDefinition | None) -> None:
        self.known, self.live = known, live

    def by_token(self, token_sha256: bytes) -> IncomingWebhook | None:
        return self.known if token_sha256 == hashlib.sha256(TOKEN.encode()).digest() else None

    def definition(self, definition_id: str) -> CatalogueDefinition | None:
        return self.live if definition_id == DEFINITION_ID else None


class Answered:
    """An answer, and the records that the call left (the channel's own probe left out)."""

    def __init__(self, told: played.Answered, producer: PromptProducer) -> None:
        self.status, self.headers, self.body = told.status, told.headers, told.problem
        self.length = len(told.body)
        self.records = producer.sent[1:]
        self.record_headers = [dict(headers) for headers in producer.headers[1:]]


async def call(
    path: str = f"/hooks/{TOKEN}",
    *,
    method: str = "POST",
    headers: tuple[tuple[bytes, bytes], ...] = (JSON_TYPE,),
    chunks: tuple[bytes, ...] = (BODY,),
    known: IncomingWebhook | None = None,
    live: CatalogueDefinition | None = LIVE,
    outcome: KafkaError | None = None,
) -> Answered:
    producer, tables = PromptProducer(), Tables(known or webhook(), live)
    channel = RequestChannel(lambda: producer, Topics().refused, FakeClock(), max_waiting=10)
    receiver = Receiver(
        AdmissionPlans(tables, tables),
        SYSTEMS,
        channel,
        RequestRecords(Topics(), "tenant-1"),
        FakeClock(),
        limits=Limits(MAX_BODY, 5.0, 10),
        gate=gate(FakeClock()),
        loaded=lambda: True,
    )
    async with channel:
        await eventually(lambda: channel.fault() is None)
        producer.outcome = outcome
        caller = Played(path.encode(), method=method, headers=headers)
        return Answered(await caller.asked(receiver, *chunks), producer)


@pytest.mark.parametrize(
    ("asked", "status", "problem"),
    [
        pytest.param({"path": "/hooks/another"}, 404, "unknown_webhook", id="token that nobody has"),
        pytest.param({"path": "/hooks/"}, 404, "unknown_webhook", id="no token"),
        pytest.param({"path": f"/hooks/{TOKEN}/more"}, 404, "unknown_webhook", id="path that is none of ours"),
        pytest.param({"method": "GET"}, 405, "method_not_allowed", id="GET"),
        pytest.param({"headers": ((b"content-type", b"text/xml"),)}, 415, "unsupported_media_type", id="XML"),
        pytest.param(
            {"headers": (JSON_TYPE, (b"content-encoding", b"gzip"))}, 415, "unsupported_media_type", id="compressed"
        ),
        pytest.param(
            {"headers": (JSON_TYPE, (b"content-length", b"10001"))}, 413, "too_large", id="announced above the cap"
        ),
        pytest.param({"chunks": (b"x" * 6_000, b"x" * 4_001)}, 413, "too_large", id="above the cap in pieces"),
    ],
)
async def test_what_is_no_call_to_a_webhook_is_told_so_and_leaves_no_record(
    asked: dict[str, Any], status: int, problem: str
) -> None:
    answered = await call(**asked)
    assert (answered.status, answered.body["type"]) == (status, f"urn:carewire:problem:{problem}")
    assert answered.headers[b"content-type"] == b"application/problem+json"
    assert answered.records == []


async def test_a_body_in_pieces_is_read_whole() -> None:
    answered = await call(chunks=(BODY[:40], BODY[40:90], BODY[90:]))
    assert answered.status == 202
    assert AcceptedRequest.decode(answered.records[0].value or b"").payload == BODY


async def test_a_scheduled_call_names_its_request_in_answer_key_and_record() -> None:
    answered = await call()
    assert (answered.status, answered.body["status"]) == (202, "SCHEDULED")
    assert answered.headers[b"content-length"] == str(answered.length).encode()
    [record] = answered.records
    assert record.topic == "ingress.requests"
    assert AcceptedRequest.decode(record.value or b"").request_id == answered.body["request_id"]
    assert answered.record_headers[0]["ce_id"].decode() == answered.body["request_id"]


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        pytest.param({"known": webhook(enabled=False)}, 409, "disabled", id="disabled webhook"),
        pytest.param({"chunks": (b"{",)}, 422, "malformed_payload", id="body that is no JSON"),
        pytest.param({"live": None}, 422, "definition_not_live", id="nothing live"),
        pytest.param({"chunks": (orjson.dumps(PAYLOAD | {"pain": 11}),)}, 422, "out_of_range", id="value out of range"),
    ],
)
async def test_a_refused_call_is_logged_with_the_reasons_that_it_is_answered_with(
    asked: dict[str, Any], status: int, code: str
) -> None:
    answered = await call(**asked)
    assert answered.status == status
    assert [reason["code"] for reason in answered.body["reasons"]] == [code]
    [record] = answered.records
    refused = RefusedRequest.decode(record.value or b"")
    assert (record.topic, refused.status) == ("ingress.refused", "REJECTED")
    assert [reason.as_dict() for reason in refused.reasons] == answered.body["reasons"]


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        pytest.param({}, "would_be_accepted", id="sound call"),
        pytest.param({"known": webhook(enabled=False)}, "would_be_accepted", id="while the webhook is disabled"),
        pytest.param({"chunks": (b"[]",)}, "would_be_rejected", id="payload without its data points"),
    ],
)
async def test_the_test_link_tells_the_verdict_and_starts_nothing(asked: dict[str, Any], verdict: str) -> None:
    answered = await call(f"/hooks/{TOKEN}/test", **asked)
    assert (answered.status, answered.body["verdict"]) == (200, verdict)
    [record] = answered.records
    assert (record.topic, RefusedRequest.decode(record.value or b"").status) == ("ingress.refused", "TEST")


@pytest.mark.parametrize("path", [f"/hooks/{TOKEN}", f"/hooks/{TOKEN}/test"])
async def test_what_kafka_did_not_take_is_not_accepted_and_may_be_sent_again_soon(path: str) -> None:
    answered = await call(path, outcome=KafkaUnavailable("away"))
    assert answered.status == 503
    assert 0 < int(answered.headers[b"retry-after"]) < ACKNOWLEDGE_WITHIN_S


async def test_a_record_carries_on_the_trace_of_its_caller() -> None:
    traceparent = b"00-" + b"4b" * 16 + b"-" + b"00f067aa0ba902b7" + b"-00"
    answered = await call(headers=(JSON_TYPE, (b"traceparent", traceparent)))
    assert answered.record_headers[0]["traceparent"] == traceparent


async def test_a_trace_that_is_not_well_formed_is_replaced_by_one_of_our_own() -> None:
    answered = await call(headers=(JSON_TYPE, (b"traceparent", b"00-MRN-4217-00")))
    parts = answered.record_headers[0]["traceparent"].split(b"-")
    assert [len(part) for part in parts] == [2, 32, 16, 2]
    assert b"4217" not in parts


async def test_calls_at_once_are_each_answered_with_their_own_request() -> None:
    answers = await asyncio.gather(*(call() for _ in range(5)))
    assert len({answered.body["request_id"] for answered in answers}) == 5
