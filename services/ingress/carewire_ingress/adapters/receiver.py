"""The hot path: `POST /hooks/{token}` and its test link `/hooks/{token}/test`.

Find the webhook, read the body, verify the sender, let `admit` decide, append the record, answer: nothing else
happens between a third party and Kafka, and no database is asked. A refused call is appended too before it is
answered, so that whoever gets a 4xx about a payload finds that call in the log; a flood of them is counted instead.

Calls that come in one turn of the event loop go through these stages together, and those that come while a batch is
under way wait for its end before: they could not be sent earlier, and the more there are, the less each costs.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from carewire_contracts.topics import Topic
from carewire_ingress.adapters.admission_plans import AdmissionPlans
from carewire_ingress.adapters.arrival import PREFIX, Arrival
from carewire_ingress.adapters.call_log import CallLog
from carewire_ingress.adapters.gate import Gate
from carewire_ingress.adapters.patience import Patience
from carewire_ingress.adapters.request_channel import RequestChannel
from carewire_ingress.adapters.request_records import RequestRecords
from carewire_ingress.adapters.shared_batches import Waiting
from carewire_ingress.adapters.visit import Visit
from carewire_ingress.domain import answers
from carewire_ingress.domain.admit import Accepted, Meant, Rejected, accept, sift
from carewire_ingress.domain.answers import Answer
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.identifiers import IdentifierSystems
from carewire_ingress.domain.logged_headers import logged_headers
from carewire_ingress.domain.mapping import AdmissionPlan
from carewire_ingress.domain.senders.verdict import Challenge, Unverified
from carewire_runtime.clock import Clock
from carewire_runtime.errors import CarewireError, RecordTooLarge
from carewire_runtime.http.exchange import Exchange
from carewire_runtime.http.turn import Turn
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.producer import Appended
from carewire_runtime.telemetry.logs import logger

_RETRY_AFTER_S: Final = 2
"""As long as it takes to elect a leader, so that the first repeat usually succeeds."""

Arrived: TypeAlias = tuple[Exchange, float]
"""A request, and when it came, in monotonic seconds."""

_AT_ONCE: Final = 32
"""Calls that go through the stages together. Many more of them fill the processor's caches with their payloads, so that
each stage finds them cold, and have the allocator fetch pages from the kernel and give them back."""

_BYTES_AT_ONCE: Final = 256 * 1024
"""Bytes of bodies that are parsed before the first of them is let go of: parsed, a body may take twenty times as much.
Ordinary calls, some KiB each, never come to so much together."""

_log = logger("receiver")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a call may be: bytes of its body, seconds until its body is read; and how many there may be at once."""

    body_bytes: int
    read_seconds: float
    calls: int


class Receiver:
    """The route of everything under `/hooks/`.

    `loaded` says whether plans and systems are known; they are known for ever then, and it is asked no more.
    """

    prefix: Final = PREFIX

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
        self._is_open = False
        self._arrived: Turn[Exchange] = Turn(self._sort)
        self._held: list[Arrived] = []
        self._whole: Turn[Visit] = Turn(self._judge)
        self._log = CallLog(clock)
        self._reading: Patience[Visit] = Patience(limits.read_seconds, _is_read, self._give_up)
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """How many calls wait for their answer."""
        return self._under_way

    def arrived(self, exchange: Exchange) -> None:
        """Take a call, with the others of this turn."""
        self._arrived.add(exchange)

    def _sort(self, exchanges: Iterable[Exchange]) -> None:
        """Hold whole calls until they can be sent on; those that are still coming are looked at now."""
        now = self._clock.monotonic()
        coming: list[Arrived] = []
        was_held = bool(self._held)
        for exchange in exchanges:
            (coming if exchange.more_body else self._held).append((exchange, now))
        if coming:
            self._meet(coming)
        if self._held and not was_held:
            self._channel.at_leisure(self._meet_held)

    def _meet_held(self) -> None:
        held, self._held = self._held, []
        for first in range(0, len(held), _AT_ONCE):
            self._meet(held[first : first + _AT_ONCE])

    def _meet(self, arrived: Iterable[Arrived]) -> None:
        self._is_open = self._channel.is_open(self._clock.monotonic())
        visits = self._through([Visit(exchange, began) for exchange, began in arrived], self._enter)
        self._judge([visit for visit in visits if self._is_whole(visit)])

    def _through(self, visits: Iterable[Visit], stage: Callable[[Visit], Answer | None]) -> list[Visit]:
        """Let visits go through a stage. Returns those that go on; the others are answered."""
        going_on: list[Visit] = []
        for visit in visits:
            try:
                answer = stage(visit)
            except Exception as error:  # noqa: BLE001 (the others of this turn must not wait for ever)
                _log.error("call_failed", error=error)
                answer = answers.FAULT
            if answer is None:
                going_on.append(visit)
            else:
                self._answer(visit, answer)
        return going_on

    def _can_accept(self) -> bool:
        if not self._is_loaded:
            self._is_loaded = self._loaded()
        return self._is_loaded and self._is_open and self._under_way <= self._limits.calls

    def _enter(self, visit: Visit) -> Answer | None:
        """What the head alone decides."""
        self._under_way += 1
        if not self._can_accept():
            return answers.unavailable(_RETRY_AFTER_S)
        arrival = visit.arrival
        plan = self._plan(arrival)
        if plan is None:
            visit.is_quiet = True
            return answers.UNKNOWN_WEBHOOK
        visit.plan = plan
        visit.webhook_id = plan.webhook.id
        if plan.webhook.sender is None and (misfit := _misfit(arrival)) is not None:
            return misfit
        declared = arrival.declared_length
        if declared is not None and declared > self._limits.body_bytes:
            return answers.too_large(self._limits.body_bytes)
        return None

    def _plan(self, arrival: Arrival) -> AdmissionPlan | None:
        if arrival.token is None:
            return None
        return self._plans.of_token(hashlib.sha256(arrival.token.encode()).digest())

    def _is_whole(self, visit: Visit) -> bool:
        """Whether all of a call has come; if not, it is waited for."""
        exchange = visit.exchange
        if not exchange.more_body:
            return True
        exchange.wait(partial(self._look, visit))
        self._reading.watch(visit)
        self._look(visit, exchange)
        return False

    def _look(self, visit: Visit, exchange: Exchange) -> None:
        """See how far a body has come."""
        if exchange.disconnected:
            self._under_way -= 1
            self._log.count_gone(visit)
        elif exchange.size > self._limits.body_bytes:
            self._answer(visit, answers.too_large(self._limits.body_bytes))
        elif not exchange.more_body:
            self._whole.add(visit)

    def _give_up(self, visit: Visit) -> None:
        self._answer(visit, answers.READ_TIMEOUT)

    def _judge(self, visits: Iterable[Visit]) -> None:
        for some in _groups(visits):
            left = some
            for stage in (self._verify, self._slow_down, self._sift, self._decide, self._record):
                left = self._through(left, stage)
            self._append(left)

    def _verify(self, visit: Visit) -> Answer | None:
        if visit.exchange.size > self._limits.body_bytes:
            return answers.too_large(self._limits.body_bytes)
        sender = visit.plan.webhook.sender
        if sender is None:
            return None
        misfit = _misfit(visit.arrival)
        found = self._gate.verification.of(sender, visit.exchange, is_call=misfit is None)
        if isinstance(found, Challenge):
            return answers.challenged(found)
        if isinstance(found, Unverified):
            visit.refusal = Rejected((found.reason,))
            return None
        visit.secret = found.secret
        return misfit

    def _slow_down(self, visit: Visit) -> Answer | None:
        # A stranger's call costs no rate, so that nobody can spend that of the true sender.
        if visit.refusal is not None:
            return None
        webhook = visit.plan.webhook
        wait = self._gate.rates.wait(webhook.id, webhook.rate_limit, is_test=visit.arrival.is_test)
        if wait is None:
            return None
        visit.is_quiet = True
        return answers.too_many(wait)

    def _sift(self, visit: Visit) -> None:
        plan, arrival = visit.plan, visit.arrival
        visit.request_id = request_id = new_id()
        visit.call = call = Call(
            request_id,
            self._channel.broker_milliseconds(visit.began),
            arrival.content_type,
            arrival.start_key_headers(plan.webhook.start_key.header),
            visit.exchange.body,
            arrival.is_test,
            logged_headers(arrival.raw_headers),
        )
        visit.sifted = visit.refusal or sift(plan, call)

    def _decide(self, visit: Visit) -> Answer | None:
        sifted, call = visit.sifted, visit.call
        del visit.sifted  # it holds the whole payload, which nobody needs any more
        verdict = accept(visit.plan, self._systems, call, sifted) if isinstance(sifted, Meant) else sifted
        visit.verdict = verdict
        if verdict.reasons:
            visit.reasons = tuple([reason.code.value for reason in verdict.reasons])
        if self._is_kept(visit):
            return None
        visit.is_quiet = True
        return answers.answer_to(call, verdict)

    def _is_kept(self, visit: Visit) -> bool:
        is_test = visit.call.is_test
        if isinstance(visit.verdict, Accepted) and not is_test:
            return True
        reason = visit.reasons[0] if visit.reasons else ""
        return self._gate.refusals.allows(visit.plan.webhook.id, reason, is_test=is_test)

    def _record(self, visit: Visit) -> Answer | None:
        webhook, call, trace = visit.plan.webhook, visit.call, visit.trace
        if trace.recording:
            trace.set("request_id", call.request_id)
            trace.set("webhook_id", webhook.id)
        visit.record = self._records.of(webhook, call, visit.verdict, trace.traceparent)
        return None

    def _append(self, visits: Iterable[Visit]) -> None:
        by_topic: dict[Topic, list[Waiting]] = {}
        for visit in visits:
            record = visit.record
            waiting = Waiting(record.key, record.value, record.headers, partial(self._settled, visit))
            by_topic.setdefault(record.topic, []).append(waiting)
        for topic, records in by_topic.items():
            self._channel.send(topic, records)

    def _settled(self, visit: Visit, outcome: Appended | CarewireError) -> None:
        self._answer(visit, self._answer_to(visit, outcome))

    def _answer_to(self, visit: Visit, outcome: Appended | CarewireError) -> Answer:
        if isinstance(outcome, RecordTooLarge):
            return answers.too_large(self._limits.body_bytes)
        if not isinstance(outcome, Appended):
            _log.warning("not_acknowledged", error=outcome)
            return answers.unavailable(_RETRY_AFTER_S)
        expires_ms = visit.record.expires_ms
        if expires_ms is not None and outcome.timestamp_ms > expires_ms:
            # The orchestrator will end it as not acknowledged. Only a clock that stepped can bring this about.
            _log.error("acknowledged_after_expiry", topic=outcome.topic, partition=outcome.partition)
            return answers.unavailable(_RETRY_AFTER_S)
        return answers.answer_to(visit.call, visit.verdict)

    def _answer(self, visit: Visit, answer: Answer) -> None:
        self._under_way -= 1
        visit.answer = answer
        self._log.tell(visit)
        visit.exchange.answer(answer.status, answer.head, answer.body, closes=answer.is_last)


def _groups(visits: Iterable[Visit]) -> Iterator[list[Visit]]:
    """Visits in their order, with as many together as their bodies allow, and a large one alone."""
    group: list[Visit] = []
    size = 0
    for visit in visits:
        size += visit.exchange.size
        if size > _BYTES_AT_ONCE and group:
            yield group
            group, size = [], visit.exchange.size
        group.append(visit)
    if group:
        yield group


def _is_read(visit: Visit) -> bool:
    exchange = visit.exchange
    return not exchange.more_body or exchange.response_complete or exchange.disconnected


def _misfit(arrival: Arrival) -> Answer | None:
    """The answer to what is no call of a webhook."""
    if arrival.method != "POST":
        return answers.METHOD_NOT_ALLOWED
    return None if arrival.is_readable else answers.UNSUPPORTED_MEDIA_TYPE
