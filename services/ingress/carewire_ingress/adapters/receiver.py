"""The hot path: `POST /hooks/{token}` and its test link `/hooks/{token}/test`, as a raw ASGI application.

Find the webhook, read the body, verify the sender, let `admit` decide, append the record, answer: nothing else
happens between a third party and Kafka, and no database is asked. A refused call is appended too before it is
answered, so that whoever gets a 4xx about a payload finds that call in the log; a flood of them is counted instead.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from carewire_ingress.adapters.admission_plans import AdmissionPlans
from carewire_ingress.adapters.arrival import Arrival
from carewire_ingress.adapters.body import BodyTooLarge, BodyTooSlow, CallerGone, Receive, Scope, Send, read_body
from carewire_ingress.adapters.deadline import Deadline
from carewire_ingress.adapters.gate import Gate
from carewire_ingress.adapters.request_channel import RequestChannel
from carewire_ingress.adapters.request_records import RequestRecord, RequestRecords
from carewire_ingress.domain import answers
from carewire_ingress.domain.admit import Accepted, Admission, Rejected, admit
from carewire_ingress.domain.answers import Answer
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.identifiers import IdentifierSystems
from carewire_ingress.domain.logged_headers import logged_headers
from carewire_ingress.domain.mapping import AdmissionPlan
from carewire_ingress.domain.senders.verdict import Challenge, Unverified
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_ingress.errors import NotAcknowledged
from carewire_runtime.clock import Clock
from carewire_runtime.errors import KafkaError, RecordTooLarge
from carewire_runtime.ids import new_id
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger
from carewire_runtime.telemetry.tracing import SpanKind, span

_RETRY_AFTER_S: Final = 2
"""As long as it takes to elect a leader, so that the first repeat usually succeeds."""

_log = logger("receiver")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a call may be: bytes of its body, seconds until its body is read; and how many there may be at once."""

    body_bytes: int
    read_seconds: float
    calls: int


@dataclass(slots=True)
class _Visit:
    """What the log line of a call tells of it."""

    began: float
    route: str
    request_id: str | None = None
    webhook_id: str | None = None
    size: int = 0
    reasons: tuple[str, ...] = ()
    secret: int | None = None
    is_quiet: bool = False
    """Counted alone: a flood must not fill the disk with lines either."""


class Receiver:
    """The ASGI application of everything under `/hooks/`.

    `loaded` says whether plans and systems are known; they are known for ever then, and it is asked no more.
    """

    def __init__(
        self,
        plans: AdmissionPlans,
        systems: IdentifierSystems,
        channel: RequestChannel,
        records: RequestRecords,
        clock: Clock,
        *,
        limits: Limits,
        gate: Gate,
        loaded: Callable[[], bool],
    ) -> None:
        self._plans = plans
        self._systems = systems
        self._channel = channel
        self._records = records
        self._clock = clock
        self._limits = limits
        self._gate = gate
        self._loaded = loaded
        self._is_loaded = False
        self._reading = Deadline(limits.read_seconds)
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        arrival = Arrival.of(scope)
        visit = _Visit(self._clock.monotonic(), arrival.route)
        self._under_way += 1
        try:
            with span("ingress.receive", parent=arrival.traceparent, kind=SpanKind.SERVER) as trace:
                answer = await self._answer(arrival, scope, receive, visit, trace)
                self._tell(visit, answer)
        except CallerGone:
            self._count(visit, "caller_gone")
            return
        finally:
            self._under_way -= 1
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, arrival: Arrival, scope: Scope, receive: Receive, visit: _Visit, trace: span) -> Answer:
        if not self._can_accept(visit.began):
            return answers.unavailable(_RETRY_AFTER_S)
        plan = self._plan(arrival)
        if plan is None:
            visit.is_quiet = True
            return answers.UNKNOWN_WEBHOOK
        webhook = plan.webhook
        visit.webhook_id = webhook.id
        misfit = _misfit(arrival)
        if misfit is not None and webhook.sender is None:
            return misfit
        try:
            body = await read_body(receive, arrival.declared_length, self._limits.body_bytes, self._reading)
        except BodyTooLarge:
            return answers.too_large(self._limits.body_bytes)
        except BodyTooSlow:
            return answers.READ_TIMEOUT
        visit.size = len(body)
        stopped = self._stop(webhook, arrival, scope, body, visit, misfit)
        if isinstance(stopped, Answer):
            return stopped
        return await self._receive(plan, arrival, body, visit, trace, stopped)

    def _stop(
        self,
        webhook: IncomingWebhook,
        arrival: Arrival,
        scope: Scope,
        body: bytes,
        visit: _Visit,
        misfit: Answer | None,
    ) -> Answer | Rejected | None:
        """What keeps a request from being judged by its payload: an answer, or that its sender is not believed."""
        if webhook.sender is not None:
            found = self._gate.verification.of(webhook.sender, scope, body, is_call=misfit is None)
            if isinstance(found, Challenge):
                return answers.challenged(found)
            if isinstance(found, Unverified):
                return Rejected((found.reason,))
            if misfit is not None:
                return misfit
            visit.secret = found.secret
        # A stranger is refused before, so that nobody can spend the rate of the true sender.
        wait = self._gate.rates.wait(webhook.id, webhook.rate_limit, is_test=arrival.is_test)
        if wait is None:
            return None
        visit.is_quiet = True
        return answers.too_many(wait)

    def _can_accept(self, now: float) -> bool:
        if not self._is_loaded:
            self._is_loaded = self._loaded()
        return self._is_loaded and self._under_way <= self._limits.calls and self._channel.is_open(now)

    def _plan(self, arrival: Arrival) -> AdmissionPlan | None:
        if arrival.token is None:
            return None
        return self._plans.of_token(hashlib.sha256(arrival.token.encode()).digest())

    async def _receive(
        self,
        plan: AdmissionPlan,
        arrival: Arrival,
        body: bytes,
        visit: _Visit,
        trace: span,
        refusal: Rejected | None,
    ) -> Answer:
        webhook = plan.webhook
        visit.request_id = request_id = new_id()
        headers = arrival.start_key_headers(webhook.start_key.header)
        received_ms = self._channel.broker_milliseconds(visit.began)
        shown = logged_headers(arrival.raw_headers)
        call = Call(request_id, received_ms, arrival.content_type, headers, body, arrival.is_test, shown)
        verdict = refusal or admit(plan, self._systems, call)
        if verdict.reasons:
            visit.reasons = tuple(reason.code.value for reason in verdict.reasons)
        if not self._is_kept(webhook, call, verdict, visit):
            return answers.answer_to(call, verdict)
        if trace.recording:
            trace.set("request_id", request_id)
            trace.set("webhook_id", webhook.id)
        record = self._records.of(webhook, call, verdict, trace.traceparent)
        return await self._append(record) or answers.answer_to(call, verdict)

    def _is_kept(self, webhook: IncomingWebhook, call: Call, verdict: Admission, visit: _Visit) -> bool:
        if isinstance(verdict, Accepted) and not call.is_test:
            return True
        reason = visit.reasons[0] if visit.reasons else ""
        visit.is_quiet = not self._gate.refusals.allows(webhook.id, reason, is_test=call.is_test)
        return not visit.is_quiet

    async def _append(self, record: RequestRecord) -> Answer | None:
        """Append a record; the answer, where that did not succeed in time."""
        try:
            appended = await self._channel.append(
                record.topic, key=record.key, value=record.value, headers=record.headers
            )
        except RecordTooLarge:
            return answers.too_large(self._limits.body_bytes)
        except (KafkaError, NotAcknowledged) as error:
            _log.warning("not_acknowledged", error=error)
            return answers.unavailable(_RETRY_AFTER_S)
        if record.expires_ms is not None and appended.timestamp_ms > record.expires_ms:
            # The orchestrator will end it as not acknowledged. Only a clock that stepped can bring this about.
            _log.error("acknowledged_after_expiry", topic=appended.topic, partition=appended.partition)
            return answers.unavailable(_RETRY_AFTER_S)
        return None

    @property
    def under_way(self) -> int:
        """How many calls wait for their answer."""
        return self._under_way

    def _tell(self, visit: _Visit, answer: Answer) -> None:
        seconds = self._count(visit, answer.outcome)
        if visit.is_quiet:
            return
        _log.info(
            "call_answered",
            route=visit.route,
            request_id=visit.request_id,
            webhook_id=visit.webhook_id,
            status_code=answer.status,
            outcome=answer.outcome,
            reasons=visit.reasons,
            secret_position=visit.secret,
            bytes=visit.size,
            duration_ms=round(seconds * 1000, 2),
        )

    def _count(self, visit: _Visit, outcome: str) -> float:
        """Count and time a visit. Returns its seconds."""
        seconds = self._clock.monotonic() - visit.began
        count, record = _measures(outcome, visit.reasons[0] if visit.reasons else "")
        count()
        record(seconds)
        return seconds


@cache
def _measures(outcome: str, reason: str) -> tuple[Callable[[], None], Callable[[float], None]]:
    """What counts and times a call; outcomes and reasons are closed lists."""
    return (
        metrics.REQUESTS.counting(status=outcome, reason=reason),
        metrics.REQUEST_DURATION.recording(status=outcome),
    )


def _misfit(arrival: Arrival) -> Answer | None:
    """The answer to what is no call of a webhook."""
    if arrival.method != "POST":
        return answers.METHOD_NOT_ALLOWED
    return None if arrival.is_readable else answers.UNSUPPORTED_MEDIA_TYPE
