import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from carewire_contracts.catalogue import CatalogueDefinition
from carewire_contracts.requests import AcceptedRequest
from carewire_contracts.topics import Topics
from carewire_ingress.adapters import receiver, shared_batches
from carewire_ingress.adapters.admission_plans import AdmissionPlans
from carewire_ingress.adapters.receiver import Limits, Receiver
from carewire_ingress.adapters.request_channel import RequestChannel
from carewire_ingress.adapters.request_records import RequestRecord, RequestRecords
from carewire_ingress.domain.admit import Admission
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import ProducerFatal
from carewire_runtime.telemetry import metrics
from carewire_testing.waiting import eventually
from carewire_testing_ingress.gates import gate
from carewire_testing_ingress.played import Answered, Played
from carewire_testing_ingress.samples import DEFINITION_ID, PAYLOAD, SYSTEMS, definition, release, webhook
from carewire_testing_ingress.scripted_producer import ScriptedProducer
from carewire_testing_runtime.log import logged

BROKER_MS = 1_800_000_000_000
BODY = orjson.dumps(PAYLOAD)


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
        self.records = RequestRecords(Topics(), "tenant-1")
        self.plans = AdmissionPlans(self.tables, self.tables)
        self.channel = RequestChannel(lambda: self.producer, Topics().refused, self.clock, max_waiting=10)
        self.receiver = Receiver(
            self.plans,
            SYSTEMS,
            self.channel,
            self.records,
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

    async def call(self) -> Answered:
        return await Played().asked(self.receiver, BODY)


async def test_an_acknowledged_call_is_scheduled() -> None:
    calls = Calls()
    async with calls.channel:
        await calls.open()
        calling = asyncio.create_task(calls.call())
        await calls.acknowledge(1)
        answer = await calling
    assert (answer.status, answer.problem["status"]) == (202, "SCHEDULED")


async def test_an_acknowledgement_after_the_records_expiry_is_no_acceptance() -> None:
    calls = Calls()
    async with calls.channel:
        await calls.open()
        calling = asyncio.create_task(calls.call())
        await calls.acknowledge(1, BROKER_MS + 10_500)
        answer = await calling
    assert answer.status == 503


async def test_before_kafka_acknowledged_anything_calls_are_turned_away() -> None:
    answer = await Calls().call()
    assert answer.status == 503


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
    assert (before.status, after.status) == (503, 202)


async def test_a_record_beyond_what_kafka_takes_is_too_large() -> None:
    calls = Calls()
    async with calls.channel:
        await calls.open()
        calls.producer.limit = 10
        answer = await calls.call()
    assert answer.status == 413


async def test_a_body_in_pieces_is_waited_for_and_counts_as_one_call() -> None:
    calls = Calls()
    async with calls.channel:
        await calls.open()
        caller = Played()
        calls.receiver.arrived(caller.exchange)
        for at in range(0, len(BODY), 10):
            caller.say(BODY[at : at + 10], ends=False)
            await asyncio.sleep(0)
        assert caller.answers == []
        caller.say()
        await calls.acknowledge(1)
        assert (await caller.answered()).status == 202
        assert AcceptedRequest.decode(calls.producer.sent[1].value or b"").payload == BODY
        assert calls.receiver.under_way == 0


async def test_a_slow_body_is_cut_and_its_connection_ended() -> None:
    calls = Calls()
    async with calls.channel:
        await calls.open()
        caller = Played()
        caller.say(b"{", ends=False)
        calls.receiver.arrived(caller.exchange)
        slow = await caller.answered()
        assert (slow.status, slow.is_last) == (408, True)
        caller.say(b"}")
        await asyncio.sleep(0)
        assert (len(caller.answers), calls.receiver.under_way) == (1, 0)


async def test_a_body_that_grows_beyond_the_cap_is_answered_before_its_end() -> None:
    calls = Calls()
    async with calls.channel:
        await calls.open()
        caller = Played()
        calls.receiver.arrived(caller.exchange)
        await asyncio.sleep(0)
        caller.say(b"x" * 10_000, ends=False)
        assert caller.answers == []
        caller.say(b"x", b"x" * 10_000)
        assert (await caller.answered()).status == 413
        assert (len(caller.answers), caller.exchange.size) == (1, 10_001)


@pytest.mark.parametrize("waits", [False, True], ids=["within the turn in which it came", "while it was waited for"])
async def test_a_caller_that_hangs_up_within_its_body_is_counted_and_not_answered(*, waits: bool) -> None:
    calls, before = Calls(), metrics.REQUESTS.value(status="caller_gone", reason="")
    async with calls.channel:
        await calls.open()
        caller = Played()
        caller.say(b"{", ends=False)
        calls.receiver.arrived(caller.exchange)
        if waits:
            await asyncio.sleep(0)
            assert calls.receiver.under_way == 1
        caller.exchange.lose()
        await asyncio.sleep(0)
        assert calls.receiver.under_way == 0
    assert caller.answers == []
    assert metrics.REQUESTS.value(status="caller_gone", reason="") == before + 1


async def test_a_sender_that_asks_first_is_told_to_send_unless_its_head_decides() -> None:
    calls = Calls()
    async with calls.channel:
        await calls.open()
        welcome, refused = Played(expects_continue=True), Played(b"/hooks/other", expects_continue=True)
        for caller in (welcome, refused):
            calls.receiver.arrived(caller.exchange)
        assert (await refused.answered()).status == 404
        assert (welcome.continued, refused.continued, welcome.answers) == (1, 0, [])


@pytest.mark.parametrize("at_once", [1, 2, 3, 32])
async def test_calls_that_come_while_a_batch_is_under_way_go_on_together_at_its_end(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "_AT_ONCE", at_once)
    calls = Calls()
    calls.producer.batch = 10
    async with calls.channel:
        await calls.open()
        first = asyncio.create_task(calls.call())
        await eventually(lambda: len(calls.producer.sent) == 2)
        others = [asyncio.create_task(calls.call()) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert calls.receiver.under_way == 1, "the others are not looked at yet"
        await calls.acknowledge(1)
        await calls.acknowledge(2)
        answers = await asyncio.gather(first, *others)
    assert [len(batch.records) for batch in calls.producer.sent] == [1, 1, 3]
    assert [answer.status for answer in answers] == [202] * 4


async def test_a_batch_that_takes_long_holds_up_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_batches, "_HOLDS_UP_S", 0.01)
    calls = Calls()
    async with calls.channel:
        await calls.open()
        stuck = asyncio.create_task(calls.call())
        await eventually(lambda: len(calls.producer.sent) == 2)
        following = asyncio.create_task(calls.call())
        await calls.acknowledge(2)
        assert (await following).status == 202
        assert not stuck.done()
        await calls.acknowledge(1)
        assert (await stuck).status == 202


async def test_calls_that_wait_for_a_batch_are_turned_away_when_its_producer_fails() -> None:
    calls = Calls()
    async with calls.channel:
        await calls.open()
        under_way = asyncio.create_task(calls.call())
        await eventually(lambda: len(calls.producer.sent) == 2)
        waiting = asyncio.create_task(calls.call())
        await asyncio.sleep(0)
        failing, calls.producer = calls.producer, ScriptedProducer()
        failing.failed.set_result(ProducerFatal("out of sequence"))
        assert [(await answer).status for answer in (under_way, waiting)] == [503, 503]


async def test_a_fault_in_one_call_leaves_none_of_its_turn_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls()

    def of(webhook: IncomingWebhook, call: Call, verdict: Admission, traceparent: str) -> RequestRecord:
        if call.body == b"{}":
            raise RuntimeError("nobody foresaw this")
        return made(webhook, call, verdict, traceparent)

    made = calls.records.of
    monkeypatch.setattr(calls.records, "of", of)
    async with calls.channel:
        await calls.open()
        faulty, sound = Played(), Played()
        for caller, body in ((faulty, b"{}"), (sound, BODY)):
            caller.say(body)
            calls.receiver.arrived(caller.exchange)
        with logged() as lines:
            assert (await faulty.answered()).status == 500
        await calls.acknowledge(1)
        assert (await sound.answered()).status == 202
    assert [line["error"] for line in lines.of("call_failed")] == ["RuntimeError"]


async def test_more_calls_than_the_cap_are_turned_away_at_once() -> None:
    calls = Calls(calls=1)
    async with calls.channel:
        await calls.open()
        first = asyncio.create_task(calls.call())
        await eventually(lambda: calls.receiver.under_way == 1)
        second = await calls.call()
        assert second.status == 503
        await calls.acknowledge(1)
        answer = await first
        assert answer.status == 202
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


@pytest.mark.parametrize(
    ("bytes_at_once", "steps"), [(4 * len(BODY), ["sift"] * 3 + ["accept"] * 3), (len(BODY), ["sift", "accept"] * 3)]
)
async def test_calls_are_parsed_together_as_far_as_their_bodies_are_small(
    bytes_at_once: int, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    def noted(name: str) -> Callable[..., Any]:
        step = getattr(receiver, name)

        def take(*args: Any) -> Any:
            taken.append(name)
            return step(*args)

        return take

    for name in ("sift", "accept"):
        monkeypatch.setattr(receiver, name, noted(name))
    monkeypatch.setattr(receiver, "_BYTES_AT_ONCE", bytes_at_once)
    calls = Calls()
    calls.producer.batch = 10
    async with calls.channel:
        await calls.open()
        three = [asyncio.create_task(calls.call()) for _ in range(3)]
        await eventually(lambda: len(taken) == 6)
        await calls.acknowledge(1)
        answers = await asyncio.gather(*three)
    assert taken == steps
    assert [answer.status for answer in answers] == [202] * 3
