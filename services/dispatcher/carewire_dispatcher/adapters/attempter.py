"""One attempt: sign, call, judge, and say so in log, span and metrics."""

from typing import Final

from carewire_contracts.record import record
from carewire_contracts.topics import Lane
from carewire_dispatcher.adapters.answer_keeper import AnswerKeeper
from carewire_dispatcher.adapters.attempt_lines import AttemptLines, Ended
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.adapters.sender import Call, Sender
from carewire_dispatcher.domain.classify import Answer, Failure, Verdict, classify
from carewire_dispatcher.domain.content import CONTENT_TYPES
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.exchange import SentRequest, sent_request
from carewire_dispatcher.domain.log_entry import DeliveryStatus, LogEntry, Tried
from carewire_dispatcher.domain.schedule import RetrySchedule
from carewire_dispatcher.domain.signature import signed_headers
from carewire_runtime.clock import Clock
from carewire_runtime.ids import new_id
from carewire_runtime.telemetry.tracing import AttributeValue, SpanKind, span

USER_AGENT: Final = "Carewire/0.1"
_REPLAYED: Final = ("webhook-replay", "true")
"""Told to a receiver who may have seen the delivery before, because somebody had it sent again."""
_TEST: Final = ("webhook-test", "true")
"""Told to a receiver whom somebody sent an example."""
_TELL_AGAIN_MS: Final = 3_600_000
"""How often the log is told in full what is sent to an endpoint; in between it is told which it was. What was told in
an entry that was never written is known an hour later."""


@record()
class Trial:
    """An attempt that is over: the delivery with it counted, what it means, and its line for the log."""

    delivery: Delivery
    verdict: Verdict
    entry: LogEntry
    started_at: int


class Attempter:
    """Makes attempts. Knows nothing of Kafka."""

    def __init__(
        self, sender: Sender, schedule: RetrySchedule, clock: Clock, pulse: Pulse, answers: AnswerKeeper
    ) -> None:
        self._sender = sender
        self._answers = answers
        self._told: dict[str, int] = {}
        self._schedule = schedule
        self._clock = clock
        self._pulse = pulse
        self._lines = AttemptLines()

    async def attempt(self, lane: Lane, delivery: Delivery, endpoint: Endpoint) -> Trial:
        """Call the endpoint once. Raises SessionLost, before the call, where the delivery may be another's."""
        self._pulse.check()
        started_at = millis(self._clock)
        counted = delivery.attempted(started_at)
        with self._span(delivery) as attempt_span:
            call, sent = _call(counted, endpoint, started_at, attempt_span.traceparent)
            result = await self._sender.send(call)
            ended_at = millis(self._clock)
            verdict = self._judged(result, ended_at, counted, endpoint)
            tried = self._tried(started_at, ended_at, sent, result, endpoint)
            entry = LogEntry.of(counted, verdict, ended_at, tried)
            ended = Ended(lane, endpoint.url, entry, tried, attempt_span.traceparent)
            _mark(attempt_span, ended)
        self._lines.tell(ended)
        return Trial(counted, verdict, entry, started_at)

    def _tried(
        self, started_at: int, ended_at: int, sent: SentRequest, result: Answer | Failure, endpoint: Endpoint
    ) -> Tried:
        attempt_id = new_id()
        answer = self._answers.kept(attempt_id, result, endpoint.redacted)
        request = sent if ended_at - self._told.get(sent.id, 0) > _TELL_AGAIN_MS else None
        if request is not None:
            self._told[sent.id] = ended_at
        judged_from = endpoint.judged_from
        return Tried.of(attempt_id, started_at, ended_at, result, sent.id, request, answer, judged_from)

    def _judged(self, result: Answer | Failure, ended_at: int, counted: Delivery, endpoint: Endpoint) -> Verdict:
        schedule = self._schedule.of(endpoint.retry_offsets_s)
        return classify(result, ended_at, counted, schedule, endpoint.terminal_statuses)

    def _span(self, delivery: Delivery) -> span:
        """Go on with the event's trace at the very first attempt; any later one is a trace of its own, linked to it."""
        attributes: dict[str, AttributeValue] = {
            "delivery_id": delivery.id,
            "endpoint_id": delivery.endpoint_id,
            "attempt": delivery.attempt + 1,
        }
        if delivery.attempt == 0 and delivery.epoch == 0:
            parent = delivery.traceparent
            return span(
                "dispatcher.attempt",
                parent=parent,
                root=parent is None,
                kind=SpanKind.CLIENT,
                attributes=attributes,
            )
        return span(
            "dispatcher.attempt",
            root=True,
            kind=SpanKind.CLIENT,
            links=[delivery.traceparent] if delivery.traceparent else (),
            attributes=attributes,
        )


def _call(delivery: Delivery, endpoint: Endpoint, at: int, traceparent: str) -> tuple[Call, SentRequest]:
    """Make the call, and what the log is told of it."""
    secrets, keys = endpoint.secrets_at(at), endpoint.ed25519_keys_at(at)
    headers = {
        **endpoint.headers,
        "content-type": CONTENT_TYPES[delivery.content_mode],
        "user-agent": USER_AGENT,
        "traceparent": traceparent,
        **signed_headers(
            secrets,
            delivery.event_id,
            at // 1000,
            delivery.body,
            ed25519_keys=keys,
            rsa_key=endpoint.rsa_key,
        ),
    }
    marks = _marks(delivery)
    headers.update(marks)
    sent = sent_request(
        endpoint.url,
        tuple(endpoint.headers.items()),
        delivery.payload,
        delivery.content_mode,
        USER_AGENT,
        (len(secrets), len(keys), endpoint.rsa_key is not None),
        marks,
    )
    return Call(endpoint.url, headers, delivery.body, endpoint.timeout_s), sent


def _marks(delivery: Delivery) -> tuple[tuple[str, str], ...]:
    if not (delivery.replayed or delivery.is_test):
        return ()
    return ((_REPLAYED,) if delivery.replayed else ()) + ((_TEST,) if delivery.is_test else ())


def _mark(attempt_span: span, ended: Ended) -> None:
    if not attempt_span.recording:
        return
    attempt_span.set("outcome", ended.outcome)
    if ended.tried.status_code is not None:
        attempt_span.set("status_code", ended.tried.status_code)
    if ended.entry.status is not DeliveryStatus.DELIVERED:
        attempt_span.fail(ended.outcome)
