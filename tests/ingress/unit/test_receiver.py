import asyncio
import hashlib
from typing import Any

import orjson

from carewire_contracts.catalogue import CatalogueDefinition
from carewire_contracts.topics import Topics
from carewire_ingress.adapters.admission_plans import AdmissionPlans
from carewire_ingress.adapters.receiver import Limits, Receiver
from carewire_ingress.adapters.request_channel import RequestChannel
from carewire_ingress.adapters.request_records import RequestRecords
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_runtime.clock import FakeClock
from carewire_testing.waiting import eventually
from carewire_testing_ingress.gates import gate
from carewire_testing_ingress.samples import DEFINITION_ID, PAYLOAD, SYSTEMS, definition, release, webhook
from carewire_testing_ingress.scripted_producer import ScriptedProducer

BROKER_MS = 1_800_000_000_000


class OneWebhook:
    """The tables of a replica that knows one webhook and one care flow."""

    def __init__(self) -> None:
        self.webhook: IncomingWebhook = webhook()
        self.live: CatalogueDefinition | None = definition(release())

    def by_token(self, token_sha256: bytes) -> IncomingWebhook | None:
        return self.webhook if token_sha256 == hashlib.sha256(b"token").digest() else None

    def definition(self, definition_id: str) -> CatalogueDefinition | None:
        return self.live if definition_id == DEFINITION_ID else None


class Calls:
    """A receiver and its callers."""

    def __init__(self, *, calls: int = 10) -> None:
        self.producer, self.clock, self.tables = ScriptedProducer(), FakeClock(), OneWebhook()
        self.loaded = True
        self.plans = AdmissionPlans(self.tables, self.tables)
        self.channel = RequestChannel(lambda: self.producer, Topics().refused, self.clock, max_waiting=10)
        self.receiver = Receiver(
            self.plans,
            SYSTEMS,
            self.channel,
            RequestRecords(Topics(), "tenant-1"),
            self.clock,
            limits=Limits(10_000, 0.05, calls),
            gate=gate(self.clock),
            loaded=lambda: self.loaded,
        )

    async def open(self) -> None:
        await self.acknowledge(0)
        await eventually(lambda: self.channel.fault() is None)

    async def acknowledge(self, number: int, timestamp_ms: int = BROKER_MS) -> None:
        await eventually(lambda: len(self.producer.sent) > number)
        self.producer.sent[number].acknowledge(timestamp_ms)

    async def call(self, *messages: dict[str, Any]) -> tuple[int, Any] | None:
        """Call; the status and the body, or None where nobody was answered."""
        waiting = list(messages) or [{"type": "http.request", "body": orjson.dumps(PAYLOAD)}]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not waiting:
                await asyncio.Event().wait()
            return waiting.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/hooks/token", "headers": []}
        await self.receiver(scope, receive, send)
        return (sent[0]["status"], orjson.loads(sent[1]["body"])) if sent else None


async def test_an_acknowledged_call_is_scheduled() -> None:
    calls = Calls()
    async with calls.channel:
        await calls.open()
        calling = asyncio.create_task(calls.call())
        await calls.acknowledge(1)
        answer = await calling
    assert answer is not None
    assert (answer[0], answer[1]["status"]) == (202, "SCHEDULED")


async def test_an_acknowledgement_after_the_records_expiry_is_no_acceptance() -> None:
    calls = Calls()
    async with calls.channel:
        await calls.open()
        calling = asyncio.create_task(calls.call())
        await calls.acknowledge(1, BROKER_MS + 10_500)
        answer = await calling
    assert answer is not None
    assert answer[0] == 503


async def test_before_kafka_acknowledged_anything_calls_are_turned_away() -> None:
    answer = await Calls().call()
    assert answer is not None
    assert answer[0] == 503


async def test_calls_are_turned_away_until_webhooks_and_catalogue_are_loaded() -> None:
    calls = Calls()
    async with calls.channel:
        await calls.open()
        calls.loaded = False
        before = await calls.call()
        calls.loaded = True
        calling = asyncio.create_task(calls.call())
        await calls.acknowledge(1)
        after = await calling
    assert before is not None
    assert after is not None
    assert (before[0], after[0]) == (503, 202)


async def test_a_record_beyond_what_kafka_takes_is_too_large() -> None:
    calls = Calls()
    async with calls.channel:
        await calls.open()
        calls.producer.limit = 10
        answer = await calls.call()
    assert answer is not None
    assert answer[0] == 413


async def test_a_slow_body_is_cut_and_a_caller_that_hung_up_is_not_answered() -> None:
    calls = Calls()
    async with calls.channel:
        await calls.open()
        slow = await calls.call({"type": "http.request", "body": b"{", "more_body": True})
        assert slow is not None
        assert slow[0] == 408
        assert await calls.call({"type": "http.disconnect"}) is None


async def test_more_calls_than_the_cap_are_turned_away_at_once() -> None:
    calls = Calls(calls=1)
    async with calls.channel:
        await calls.open()
        first = asyncio.create_task(calls.call())
        await eventually(lambda: calls.receiver.under_way == 1)
        second = await calls.call()
        assert second is not None
        assert second[0] == 503
        await calls.acknowledge(1)
        answer = await first
        assert answer is not None
        assert answer[0] == 202
        assert calls.receiver.under_way == 0


def test_a_plan_is_made_once_per_change_of_webhook_or_release() -> None:
    calls = Calls()
    token = hashlib.sha256(b"token").digest()
    plan = calls.plans.of_token(token)
    assert calls.plans.of_token(token) is plan
    calls.tables.live = None
    withdrawn = calls.plans.of_token(token)
    assert withdrawn is not None
    assert withdrawn.release_id is None
    calls.tables.webhook = webhook(enabled=False)
    assert calls.plans.of_token(token) is not withdrawn
    calls.plans.forget(calls.tables.webhook.id)
    assert calls.plans.of_token(hashlib.sha256(b"other").digest()) is None
