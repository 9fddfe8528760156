"""One attempt: what is sent, what is written down, and what never leaves the process."""

import asyncio
import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from carewire_contracts.json_query import JsonQuery
from carewire_dispatcher.adapters.answer_keeper import AnswerKeeper, open_body
from carewire_dispatcher.adapters.attempter import Attempter
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.key_making import new_rsa_key
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.adapters.sender import Call, CallTask, Carried, Over
from carewire_dispatcher.domain.classify import Answer, Failure, Retry
from carewire_dispatcher.domain.content import CONTENT_TYPES, Attributes, body_of
from carewire_dispatcher.domain.ending import End, EndStatus
from carewire_dispatcher.domain.endpoint import ContentMode, Endpoint, Payload
from carewire_dispatcher.domain.exchange import Keep
from carewire_dispatcher.domain.key_pairs import sign_rsa
from carewire_dispatcher.domain.schedule import RetrySchedule
from carewire_dispatcher.domain.signature import sign
from carewire_dispatcher.errors import SessionLost
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import SealingError
from carewire_runtime.telemetry.tracing import configure_tracing, shutdown_tracing
from carewire_testing_dispatcher.attempts import OneByOne
from carewire_testing_dispatcher.deliveries import KEYRING, SECRET, a_delivery, a_keeper, an_endpoint
from carewire_testing_runtime.log import logged

OK = Answer(200)
ABOUT: Attributes = (("specversion", "1.0"), ("id", "e"), ("type", "t"), ("source", "s"))


class Receiver:
    """Answers after some time."""

    def __init__(self, clock: FakeClock, result: Answer | Failure = OK, took_s: float = 0.25) -> None:
        self.calls: list[Call] = []
        self._clock, self._result, self._took_s = clock, result, took_s

    async def send(self, call: Call) -> Answer | Failure:
        self.calls.append(call)
        self._clock.advance(self._took_s)
        return self._result

    def begin(self, call: Call, over: Over) -> Carried:
        return CallTask(self.send(call), over)


def an_attempter(
    receiver: Receiver, clock: FakeClock, keeper: AnswerKeeper | None = None, trusted_s: float = 10
) -> OneByOne:
    attempter = Attempter(cast("Any", receiver), RetrySchedule(), clock, Pulse(clock, trusted_s), keeper or a_keeper())
    return OneByOne(attempter, clock)


async def test_the_body_goes_out_as_it_is_signed_at_the_moment_of_the_attempt() -> None:
    clock = FakeClock()
    receiver = Receiver(clock)
    at = millis(clock)
    delivery = a_delivery(body=b'{ "as": "written" }')
    await an_attempter(receiver, clock).attempt("fast", delivery, an_endpoint(timeout_s=3.5))
    [call] = receiver.calls
    assert (call.url, call.body, call.timeout_s) == ("https://receiver.example/hook", b'{ "as": "written" }', 3.5)
    assert call.headers["webhook-id"] == delivery.event_id
    assert call.headers["webhook-timestamp"] == str(at // 1000)
    assert call.headers["content-type"] == "application/json"


async def test_custom_headers_are_sent_but_take_no_place_of_ours() -> None:
    clock = FakeClock()
    receiver = Receiver(clock)
    headers = {"X-Tenant": "north", "webhook-id": "forged", "content-type": "text/plain"}
    await an_attempter(receiver, clock).attempt("fast", a_delivery(), an_endpoint(headers=headers))
    [call] = receiver.calls
    assert call.headers["X-Tenant"] == "north"
    assert call.headers["webhook-id"] == a_delivery().event_id
    assert call.headers["content-type"] == "application/json"


async def test_the_attempt_is_counted_timed_and_judged() -> None:
    clock = FakeClock()
    began = millis(clock)
    trial = await an_attempter(Receiver(clock, Answer(503)), clock).attempt("bulk", a_delivery(), an_endpoint())
    assert (trial.prepared.delivery.attempt, trial.prepared.delivery.first_attempt_at) == (1, began)
    assert (trial.prepared.started_at, trial.entry.at) == (began, began + 250)
    assert isinstance(trial.verdict, Retry)
    assert trial.entry.tried is not None
    assert (trial.entry.tried.started_at, trial.entry.tried.status_code, trial.entry.at) == (began, 503, began + 250)


async def test_a_failure_without_an_answer_is_written_down_by_its_word() -> None:
    clock = FakeClock()
    attempter = an_attempter(Receiver(clock, Failure.TLS), clock)
    trial = await attempter.attempt(
        "fast", a_delivery(attempt=4, slot=4, first_attempt_at=millis(clock)), an_endpoint()
    )
    assert trial.entry.tried is not None
    assert (trial.entry.tried.status_code, trial.entry.tried.failure) == (None, "tls")
    assert (trial.prepared.delivery.attempt, trial.entry.attempts) == (5, 5)


async def test_each_attempt_has_an_id_of_its_own_and_the_delivery_keeps_its_own() -> None:
    clock = FakeClock()
    attempter = an_attempter(Receiver(clock), clock)
    trials = [await attempter.attempt("fast", a_delivery(), an_endpoint()) for _ in range(2)]
    assert len({trial.entry.tried.id for trial in trials if trial.entry.tried}) == 2
    assert {trial.entry.delivery_id for trial in trials} == {a_delivery().id}
    assert [trial.verdict for trial in trials] == [End(EndStatus.DELIVERED)] * 2


async def test_a_first_attempt_goes_on_with_the_event_s_trace_and_a_later_one_begins_another() -> None:
    clock = FakeClock()
    receiver = Receiver(clock)
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    attempter = an_attempter(receiver, clock)
    await attempter.attempt("fast", a_delivery(traceparent=traceparent), an_endpoint())
    await attempter.attempt("fast", a_delivery(traceparent=traceparent, attempt=1, first_attempt_at=1), an_endpoint())
    traces = [call.headers["traceparent"].split("-")[1] for call in receiver.calls]
    assert traces[0] == "0af7651916cd43dd8448eb211c80319c"
    assert traces[1] != traces[0]


@dataclass
class Traced:
    trace_sample_ratio: float
    trace_export: str


async def test_a_trace_that_is_recorded_shows_each_attempt_and_how_it_ended(tmp_path: Path) -> None:
    file, clock = tmp_path / "spans.jsonl", FakeClock()
    configure_tracing("dispatcher", Traced(0, f"file:{file}"))
    try:
        recorded, passed_on = (f"00-{5:032x}-{6:016x}-{flags}" for flags in ("01", "00"))
        receiver = Receiver(clock, Answer(503))
        attempter = an_attempter(receiver, clock)
        for traceparent in (recorded, passed_on, None):
            await attempter.attempt("fast", a_delivery(traceparent=traceparent), an_endpoint())
    finally:
        shutdown_tracing()
    [line] = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    told = {"delivery_id": a_delivery().id, "endpoint_id": a_delivery().endpoint_id, "attempt": 1}
    assert (line["name"], line["trace_id"], line["parent_id"]) == ("dispatcher.attempt", f"{5:032x}", f"{6:016x}")
    assert line["attributes"] == told | {"outcome": "retrying", "status_code": 503}
    sent = [call.headers["traceparent"] for call in receiver.calls]
    assert sent[:2] == [f"00-{5:032x}-{line['span_id']}-01", passed_on]
    assert sent[2].endswith("-00"), "of a new trace that chance left out"


async def test_what_is_sent_again_says_so_to_who_may_have_seen_it_and_begins_a_trace_of_its_own() -> None:
    clock = FakeClock()
    receiver = Receiver(clock)
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    attempter = an_attempter(receiver, clock)
    for again in (a_delivery(), a_delivery(epoch=4, traceparent=traceparent), a_delivery(epoch=4, replayed=True)):
        await attempter.attempt("bulk", again, an_endpoint())
    assert [call.headers.get("webhook-replay") for call in receiver.calls] == [None, None, "true"]
    assert receiver.calls[1].headers["traceparent"].split("-")[1] != traceparent.split("-")[1]


async def test_an_example_is_marked_and_nothing_else_is() -> None:
    clock = FakeClock()
    receiver = Receiver(clock)
    for is_test in (False, True):
        await an_attempter(receiver, clock).attempt("fast", a_delivery(is_test=is_test), an_endpoint())
    assert [call.headers.get("webhook-test") for call in receiver.calls] == [None, "true"]


async def test_after_a_lost_session_nobody_is_called() -> None:
    clock = FakeClock()
    receiver = Receiver(clock)
    attempter = an_attempter(receiver, clock)
    clock.advance(11)
    with pytest.raises(SessionLost):
        await attempter.attempt("fast", a_delivery(), an_endpoint())
    assert receiver.calls == []


async def test_the_log_names_the_host_and_neither_path_nor_header_nor_body_nor_secret() -> None:
    clock = FakeClock()
    endpoint = an_endpoint(url="https://receiver.example/canary?canary=1", headers={"Authorization": "canary"})
    with logged() as lines:
        await an_attempter(Receiver(clock), clock).attempt("fast", a_delivery(body=b"canary"), endpoint)
        await asyncio.sleep(0)
    [line] = lines.of("attempt")
    assert (line["host"], line["status"], line["attempt"]) == ("receiver.example", "delivered", 1)
    assert "canary" not in lines.text
    assert SECRET.hex() not in lines.text


async def test_attempts_that_end_in_one_turn_are_told_in_their_order() -> None:
    clock = FakeClock()
    attempter = Attempter(cast("Any", None), RetrySchedule(), clock, Pulse(clock, 10), a_keeper())
    prepared = attempter.prepare_all(
        ("bulk", a_delivery(attempt=number, first_attempt_at=1), an_endpoint()) for number in range(3)
    )
    trials = [attempter.judge(one, OK, millis(clock)) for one in prepared]
    with logged() as lines:
        attempter.tell(trials)
    assert [line["attempt"] for line in lines.of("attempt")] == [1, 2, 3]


async def test_everything_that_an_endpoint_asked_for_signs_and_the_type_of_the_body_is_told() -> None:
    clock, rsa = FakeClock(), new_rsa_key()
    receiver = Receiver(clock)
    endpoint = an_endpoint(secrets=(SECRET, bytes(24)), ed25519_keys=(bytes(32),), rsa_key=rsa)
    delivery = a_delivery(content_mode="cloudevents")
    await an_attempter(receiver, clock).attempt("fast", delivery, endpoint)
    [call] = receiver.calls
    versions = [one.partition(",")[0] for one in call.headers["webhook-signature"].split()]
    assert versions == ["v1", "v1", "v1a"]
    assert base64.b64decode(call.headers["x-awell-signature"]) == sign_rsa(rsa, delivery.body)
    assert call.headers["content-type"] == "application/cloudevents+json"


async def test_keys_whose_time_is_over_sign_no_more() -> None:
    clock = FakeClock()
    receiver = Receiver(clock)
    endpoint = an_endpoint(
        secrets=(SECRET, bytes(24)),
        old_secret_until=millis(clock),
        ed25519_keys=(bytes(32), b"k" * 32),
        old_ed25519_key_until=millis(clock) + 1,
    )
    await an_attempter(receiver, clock).attempt("fast", a_delivery(), endpoint)
    versions = [one.partition(",")[0] for one in receiver.calls[0].headers["webhook-signature"].split()]
    assert versions == ["v1", "v1a", "v1a"]


async def test_the_log_is_told_what_was_sent_without_anything_that_is_secret() -> None:
    clock = FakeClock()
    receiver = Receiver(clock)
    endpoint = an_endpoint(headers={"Authorization": "Bearer canary", "X-Environment": "live"})
    trial = await an_attempter(receiver, clock).attempt("fast", a_delivery(replayed=True), endpoint)
    tried = trial.entry.tried
    assert tried is not None
    assert tried.request is not None
    sent = dict(receiver.calls[0].headers)
    varying = {"webhook-id", "webhook-timestamp"}
    assert tried.request.url == "https://receiver.example/…"
    assert tried.request.headers.keys() == sent.keys() - varying
    assert tried.request.headers["X-Environment"] == "live"
    assert tried.request.headers["webhook-signature"] == "v1,…"
    told = {name: value for name, value in tried.request.headers.items() if "…" not in value}
    assert told.items() <= sent.items()
    assert b"canary" not in trial.entry.encode()


SAID = Answer(422, None, ((b"content-type", b"text/plain"), (b"set-cookie", b"canary")), b"no such patient: canary")


@pytest.mark.parametrize(
    ("keep", "body_bytes", "answer", "headers", "body"),
    [
        pytest.param("failed", 7, SAID, {"content-type": "text/plain"}, b"no such", id="of a failure the beginning"),
        pytest.param("failed", 0, SAID, {"content-type": "text/plain"}, None, id="no body"),
        pytest.param("none", 7, SAID, None, None, id="nothing"),
        pytest.param("failed", 7, OK, None, None, id="nothing of a success"),
        pytest.param("all", 7, OK, {}, None, id="of a success too, which said nothing"),
        pytest.param("all", 7, Failure.TIMEOUT, None, None, id="nothing where nothing came"),
    ],
)
async def test_the_log_is_told_what_was_answered_as_far_as_it_is_to_keep_it(
    keep: Keep, body_bytes: int, answer: Answer | Failure, headers: dict[str, str] | None, body: bytes | None
) -> None:
    clock = FakeClock()
    attempter = an_attempter(Receiver(clock, answer), clock, a_keeper(keep, body_bytes))
    trial = await attempter.attempt("fast", a_delivery(), an_endpoint())
    tried = trial.entry.tried
    assert tried is not None
    assert (tried.answer.headers if tried.answer else None) == headers
    assert b"canary" not in trial.entry.encode()
    assert b"patient" not in trial.entry.encode()
    if body is None:
        assert tried.answer is None or tried.answer.body is None
    else:
        assert tried.answer is not None
        assert tried.answer.body is not None
        assert open_body(KEYRING, tried.id, tried.answer.body) == body
        with pytest.raises(SealingError):
            open_body(KEYRING, a_delivery().id, tried.answer.body)


async def test_what_an_endpoint_has_redacted_is_not_kept_of_what_it_answered() -> None:
    clock = FakeClock()
    refused = Answer(422, None, (), b'{"title":"unknown","patient":{"ssn":"canary"}}')
    endpoint = an_endpoint(redacted=(JsonQuery("$..ssn"),))
    trial = await an_attempter(Receiver(clock, refused), clock).attempt("fast", a_delivery(), endpoint)
    tried = trial.entry.tried
    assert tried is not None
    assert tried.answer is not None
    assert tried.answer.body is not None
    assert open_body(KEYRING, tried.id, tried.answer.body) == b'{"title":"unknown","patient":{"ssn":"[redacted]"}}'


async def test_what_is_the_same_at_each_attempt_is_told_in_full_once_an_hour() -> None:
    clock = FakeClock()
    attempter = an_attempter(Receiver(clock), clock, trusted_s=4_000)

    async def told(endpoint: Endpoint) -> tuple[str | None, bool]:
        tried = (await attempter.attempt("fast", a_delivery(), endpoint)).entry.tried
        assert tried is not None
        return tried.request_id, tried.request is not None

    once, changed = an_endpoint(), an_endpoint(headers={"X-More": "1"})
    first, again, other = await told(once), await told(once), await told(changed)
    assert (first[1], again[1], other[1]) == (True, False, True)
    assert first[0] == again[0] != other[0]
    clock.advance(3_600)
    assert await told(once) == first


@pytest.mark.parametrize(
    ("fields", "marks"),
    [
        ({}, set()),
        ({"replayed": True}, {"webhook-replay"}),
        ({"is_test": True}, {"webhook-test"}),
        ({"replayed": True, "is_test": True}, {"webhook-replay", "webhook-test"}),
    ],
    ids=["first", "replayed", "test", "replayed test"],
)
async def test_who_may_have_seen_it_and_who_is_sent_an_example_is_told(
    fields: dict[str, bool], marks: set[str]
) -> None:
    clock = FakeClock()
    receiver = Receiver(clock)
    trial = await an_attempter(receiver, clock).attempt("fast", a_delivery(**fields), an_endpoint())
    assert trial.entry.tried is not None
    assert trial.entry.tried.request is not None
    for headers in (receiver.calls[0].headers, trial.entry.tried.request.headers):
        assert {name for name in headers if name in ("webhook-replay", "webhook-test")} == marks
        assert all(headers[name] == "true" for name in marks)


@pytest.mark.parametrize("asked_then", [("full", "flat"), ("thin", "flat"), ("full", "cloudevents")], ids=str)
@pytest.mark.parametrize("asks_now", [("full", "flat"), ("thin", "cloudevents")], ids=str)
async def test_every_attempt_sends_the_same_bytes_whatever_the_endpoint_asks_for_by_now(
    asked_then: tuple[Payload, ContentMode], asks_now: tuple[Payload, ContentMode]
) -> None:
    clock = FakeClock()
    receiver = Receiver(clock, Answer(500))
    attempter = an_attempter(receiver, clock)
    body = body_of("pathway.completed", b'{"event_type":"pathway.completed"}', ABOUT, *asked_then)
    delivery = a_delivery(body=body, payload=asked_then[0], content_mode=asked_then[1])
    for endpoint in (an_endpoint(payload=asked_then[0]), an_endpoint(payload=asks_now[0], content_mode=asks_now[1])):
        trial = await attempter.attempt("fast", delivery, endpoint)
        # Between two attempts a delivery is a record in Kafka.
        hop = trial.prepared.delivery.retried(1, 1)
        delivery = type(hop).of(hop.endpoint_id.encode(), hop.body, hop.headers())
    assert [call.body for call in receiver.calls] == [body, body]
    assert {call.headers["content-type"] for call in receiver.calls} == {CONTENT_TYPES[asked_then[1]]}
    for call in receiver.calls:
        signed = sign((SECRET,), call.headers["webhook-id"], int(call.headers["webhook-timestamp"]), body)
        assert call.headers["webhook-signature"] == signed
