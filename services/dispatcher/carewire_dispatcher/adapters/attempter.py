"""Attempts: sign, call, judge, and say so in log, span and metrics.

In steps, that whoever makes many goes with all of them one after the other: the code of all steps is more than the
processor keeps at hand, and for each attempt by itself it would be fetched anew.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from carewire_contracts.topics import Lane
from carewire_dispatcher.adapters.answer_keeper import AnswerKeeper
from carewire_dispatcher.adapters.attempt_lines import tell_all
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.adapters.sender import Call, Carried, HeaderPairs, Over, Sender
from carewire_dispatcher.adapters.trial import Prepared, Trial
from carewire_dispatcher.domain.classify import Answer, Failure, classify
from carewire_dispatcher.domain.content import CONTENT_TYPES
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import ContentMode, Endpoint, Payload
from carewire_dispatcher.domain.exchange import SentRequest, sent_request
from carewire_dispatcher.domain.log_entry import DeliveryStatus, LogEntry, Tried
from carewire_dispatcher.domain.schedule import RetrySchedule
from carewire_dispatcher.domain.signature import (
    ID_HEADER,
    RSA_SIGNATURE_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    signed_headers,
)
from carewire_runtime.clock import Clock
from carewire_runtime.ids import new_id
from carewire_runtime.telemetry.tracing import AttributeValue, SpanKind, span, unrecorded

USER_AGENT: Final = "Carewire/0.1"
_REPLAYED: Final = ("webhook-replay", "true")
"""Told to a receiver who may have seen the delivery before, because somebody had it sent again."""
_TEST: Final = ("webhook-test", "true")
"""Told to a receiver whom somebody sent an example."""
_TELL_AGAIN_MS: Final = 3_600_000
"""How often the log is told in full what is sent to an endpoint; in between it is told which it was. What was told in
an entry that was never written is known an hour later."""

_TRACEPARENT: Final = "traceparent"
_OF_EACH_CALL: Final = frozenset(
    {_TRACEPARENT, ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER, RSA_SIGNATURE_HEADER, _REPLAYED[0], _TEST[0]}
)
"""Headers that tell of a call. No custom one takes the place of them."""
_COMMON_KEPT: Final = 10_000
"""Of how many endpoints it is kept what their calls have in common, at a kilobyte each."""

Marks = tuple[tuple[str, str], ...]


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

    def prepare_all(self, attempts: Iterable[tuple[Lane, Delivery, Endpoint]]) -> list[Prepared]:
        """Count attempts that begin now, and sign them. Raises SessionLost where their deliveries may be another's."""
        self._pulse.check()
        now = millis(self._clock)
        return [_prepared(lane, delivery, endpoint, now) for lane, delivery, endpoint in attempts]

    def begin(self, prepared: Prepared, over: Over) -> Carried:
        """Call the endpoint; `over` hears what came of it."""
        return self._sender.begin(prepared.call, over)

    def judge(self, prepared: Prepared, result: Answer | Failure, ended_at: int) -> Trial:
        """Say what came of an attempt."""
        delivery, endpoint = prepared.delivery, prepared.endpoint
        schedule = self._schedule.of(endpoint.retry_offsets_s)
        verdict = classify(result, ended_at, delivery, schedule, endpoint.terminal_statuses)
        tried = self._tried(prepared, ended_at, result)
        entry = LogEntry.of(delivery, verdict, ended_at, tried)
        trial = Trial(prepared, verdict, entry, tried, tried.failure or entry.status.value)
        if prepared.span is not None:
            _end_span(prepared.span, trial)
        return trial

    @staticmethod
    def tell(trials: Sequence[Trial]) -> None:
        """Count attempts, and write a line of each."""
        tell_all(trials)

    def _tried(self, prepared: Prepared, ended_at: int, result: Answer | Failure) -> Tried:
        sent, endpoint = prepared.sent, prepared.endpoint
        attempt_id = new_id()
        answer = self._answers.kept(attempt_id, result, endpoint.redacted)
        request = sent if ended_at - self._told.get(sent.id, 0) > _TELL_AGAIN_MS else None
        if request is not None:
            self._told[sent.id] = ended_at
        return Tried.of(
            attempt_id, prepared.started_at, ended_at, result, sent.id, request, answer, endpoint.judged_from
        )


def _prepared(lane: Lane, delivery: Delivery, endpoint: Endpoint, now: int) -> Prepared:
    counted = delivery.attempted(now)
    traceparent, attempt_span = _trace(delivery)
    call, sent = _call(counted, endpoint, now, traceparent)
    return Prepared(lane, counted, endpoint, now, call, sent, traceparent, attempt_span)


def _trace(delivery: Delivery) -> tuple[str, span | None]:
    """Go on with the event's trace at the very first attempt; any later one is a trace of its own, linked to it.

    Where nobody records it there is no span, only a traceparent.
    """
    is_first, traceparent = delivery.attempt == 0 and delivery.epoch == 0, delivery.traceparent
    passed_on = unrecorded(traceparent if is_first else None)
    if passed_on is not None:
        return passed_on, None
    attributes: dict[str, AttributeValue] = {
        "delivery_id": delivery.id,
        "endpoint_id": delivery.endpoint_id,
        "attempt": delivery.attempt + 1,
    }
    if is_first:
        begun = span(
            "dispatcher.attempt",
            parent=traceparent,
            root=traceparent is None,
            kind=SpanKind.CLIENT,
            attributes=attributes,
        )
    else:
        begun = span(
            "dispatcher.attempt",
            root=True,
            kind=SpanKind.CLIENT,
            links=[traceparent] if traceparent else (),
            attributes=attributes,
        )
    return begun.begin().traceparent, begun


def _end_span(attempt_span: span, trial: Trial) -> None:
    if not attempt_span.recording:
        return
    attempt_span.set("outcome", trial.outcome)
    if trial.tried.status_code is not None:
        attempt_span.set("status_code", trial.tried.status_code)
    if trial.entry.status is not DeliveryStatus.DELIVERED:
        attempt_span.fail(trial.outcome)
    attempt_span.end()


def _call(delivery: Delivery, endpoint: Endpoint, at: int, traceparent: str) -> tuple[Call, SentRequest]:
    """Make the call, and what the log is told of it."""
    secrets, keys, rsa_key = endpoint.secrets_at(at), endpoint.ed25519_keys_at(at), endpoint.rsa_key
    own = signed_headers(secrets, delivery.event_id, at // 1000, delivery.body, ed25519_keys=keys, rsa_key=rsa_key)
    own[_TRACEPARENT] = traceparent
    common, sent = _common(
        endpoint.url,
        tuple(endpoint.headers.items()),
        delivery.payload,
        delivery.content_mode,
        (len(secrets), len(keys), rsa_key is not None),
        _marks(delivery),
    )
    return Call(endpoint.url, own, delivery.body, endpoint.timeout_s, common), sent


@lru_cache(_COMMON_KEPT)
def _common(
    url: str,
    custom: tuple[tuple[str, str], ...],
    payload: Payload,
    content_mode: ContentMode,
    signatures: tuple[int, int, bool],
    marks: Marks,
) -> tuple[HeaderPairs, SentRequest]:
    """Return what calls have in common while nobody changes their endpoint: headers, and what the log is told."""
    allowed = {name: value for name, value in custom if name.lower() not in _OF_EACH_CALL}
    common = {**allowed, "content-type": CONTENT_TYPES[content_mode], "user-agent": USER_AGENT, **dict(marks)}
    sent = sent_request(url, custom, payload, content_mode, USER_AGENT, signatures, marks)
    return tuple(common.items()), sent


def _marks(delivery: Delivery) -> Marks:
    if not (delivery.replayed or delivery.is_test):
        return ()
    return ((_REPLAYED,) if delivery.replayed else ()) + ((_TEST,) if delivery.is_test else ())
