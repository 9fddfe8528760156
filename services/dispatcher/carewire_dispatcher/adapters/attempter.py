"""One attempt: sign, call, judge, and say so in log, span and metrics."""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Final
from urllib.parse import urlsplit

from carewire_contracts.record import record
from carewire_contracts.topics import Lane
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.adapters.sender import Call, Sender
from carewire_dispatcher.domain.classify import Verdict, classify
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.log_entry import DeliveryStatus, LogEntry, Tried
from carewire_dispatcher.domain.schedule import RetrySchedule
from carewire_dispatcher.domain.signature import signed_headers
from carewire_runtime.clock import Clock
from carewire_runtime.ids import new_id
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger
from carewire_runtime.telemetry.tracing import SpanKind, span

USER_AGENT: Final = "Carewire/0.1"
_REPLAYED: Final = {"webhook-replay": "true"}
"""Told to a receiver who may have seen the delivery before, because somebody had it sent again."""
_HOSTS_KEPT: Final = 10_000

_log = logger("worker")


@record()
class Trial:
    """An attempt that is over: the delivery with it counted, what it means, and its line for the log."""

    delivery: Delivery
    verdict: Verdict
    entry: LogEntry
    started_at: int


class Attempter:
    """Makes attempts. Knows nothing of Kafka."""

    def __init__(self, sender: Sender, schedule: RetrySchedule, clock: Clock, pulse: Pulse) -> None:
        self._sender = sender
        self._schedule = schedule
        self._clock = clock
        self._pulse = pulse

    async def attempt(self, lane: Lane, delivery: Delivery, endpoint: Endpoint) -> Trial:
        """Call the endpoint once. Raises SessionLost, before the call, where the delivery may be another's."""
        self._pulse.check()
        started_at = millis(self._clock)
        counted = delivery.attempted(started_at)
        with self._span(delivery) as attempt_span:
            call = _call(counted, endpoint, started_at, attempt_span.traceparent)
            result = await self._sender.send(call)
            ended_at = millis(self._clock)
            verdict = classify(result, ended_at, counted, self._schedule)
            tried = Tried.of(new_id(), started_at, ended_at, result)
            entry = LogEntry.of(counted, verdict, ended_at, tried)
            _tell(attempt_span, lane, endpoint, entry, tried)
        return Trial(counted, verdict, entry, started_at)

    def _span(self, delivery: Delivery) -> span:
        """Go on with the event's trace at the very first attempt; any later one is a trace of its own, linked to it."""
        attributes = {"delivery_id": delivery.id, "endpoint_id": delivery.endpoint_id}
        if delivery.attempt == 0 and delivery.epoch == 0:
            parent = delivery.traceparent
            return span(
                "dispatcher.attempt",
                parent=parent,
                root=parent is None,
                kind=SpanKind.CLIENT,
                attributes={**attributes, "attempt": 1},
            )
        return span(
            "dispatcher.attempt",
            root=True,
            kind=SpanKind.CLIENT,
            links=[delivery.traceparent] if delivery.traceparent else (),
            attributes={**attributes, "attempt": delivery.attempt + 1},
        )


def _call(delivery: Delivery, endpoint: Endpoint, at: int, traceparent: str) -> Call:
    headers = {
        **endpoint.headers,
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "traceparent": traceparent,
        **signed_headers(endpoint.secrets, delivery.event_id, at // 1000, delivery.body),
        **(_REPLAYED if delivery.replayed else {}),
    }
    return Call(endpoint.url, headers, delivery.body, endpoint.timeout_s)


def _tell(attempt_span: span, lane: Lane, endpoint: Endpoint, entry: LogEntry, tried: Tried) -> None:
    outcome = tried.failure or str(entry.status)
    attempt_span.set("outcome", outcome)
    if tried.status_code is not None:
        attempt_span.set("status_code", tried.status_code)
    if entry.status is DeliveryStatus.DELIVERED:
        _record_latency(max(0, entry.at - entry.event_at) / 1000)
    else:
        attempt_span.fail(outcome)
    _counting(lane, outcome)()
    _timing(outcome)(tried.duration / 1000)
    _log.info(
        "attempt",
        delivery_id=entry.delivery_id,
        endpoint_id=entry.endpoint_id,
        host=_host(endpoint.url),
        event_id=entry.event_id,
        event_type=entry.event_type,
        lane=lane,
        attempt=entry.attempts,
        status=str(entry.status),
        outcome=outcome,
        status_code=tried.status_code,
        duration_ms=tried.duration,
    )


_record_latency = metrics.DELIVERY_LATENCY.recording()


# A lane, and the words for how an attempt may end, are few.
@cache
def _counting(lane: Lane, outcome: str) -> Callable[[], None]:
    return metrics.ATTEMPTS.counting(lane=lane, outcome=outcome)


@cache
def _timing(outcome: str) -> Callable[[float], None]:
    return metrics.ATTEMPT_DURATION.recording(outcome=outcome)


@lru_cache(_HOSTS_KEPT)
def _host(url: str) -> str | None:
    return urlsplit(url).hostname
