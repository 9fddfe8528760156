"""One attempt: what is sent, what is written down, and what never leaves the process."""

from typing import Any, cast

import pytest

from carewire_dispatcher.adapters.attempter import Attempter
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.adapters.sender import Call
from carewire_dispatcher.domain.classify import Answer, Failure, Retry
from carewire_dispatcher.domain.ending import End, EndStatus
from carewire_dispatcher.domain.schedule import RetrySchedule
from carewire_dispatcher.errors import SessionLost
from carewire_runtime.clock import FakeClock
from carewire_testing_dispatcher.deliveries import SECRET, a_delivery, an_endpoint
from carewire_testing_runtime.log import logged

OK = Answer(200)


class Receiver:
    """Answers after some time."""

    def __init__(self, clock: FakeClock, result: Answer | Failure = OK, took_s: float = 0.25) -> None:
        self.calls: list[Call] = []
        self._clock, self._result, self._took_s = clock, result, took_s

    async def send(self, call: Call) -> Answer | Failure:
        self.calls.append(call)
        self._clock.advance(self._took_s)
        return self._result


def an_attempter(receiver: Receiver, clock: FakeClock) -> Attempter:
    return Attempter(cast("Any", receiver), RetrySchedule(), clock, Pulse(clock, 10))


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
    assert (trial.delivery.attempt, trial.delivery.first_attempt_at) == (1, began)
    assert (trial.started_at, trial.entry.at) == (began, began + 250)
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
    assert (trial.delivery.attempt, trial.entry.attempts) == (5, 5)


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


async def test_what_is_sent_again_says_so_to_who_may_have_seen_it_and_begins_a_trace_of_its_own() -> None:
    clock = FakeClock()
    receiver = Receiver(clock)
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    attempter = an_attempter(receiver, clock)
    for again in (a_delivery(), a_delivery(epoch=4, traceparent=traceparent), a_delivery(epoch=4, replayed=True)):
        await attempter.attempt("bulk", again, an_endpoint())
    assert [call.headers.get("webhook-replay") for call in receiver.calls] == [None, None, "true"]
    assert receiver.calls[1].headers["traceparent"].split("-")[1] != traceparent.split("-")[1]


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
    [line] = lines.of("attempt")
    assert (line["host"], line["status"], line["attempt"]) == ("receiver.example", "delivered", 1)
    assert "canary" not in lines.text
    assert SECRET.hex() not in lines.text
