"""From `ingress.requests` to care flows, batch by batch.

A batch is finished before its offsets are committed: a passing fault is waited out where it stands, any other
ends the process. What is no request at all goes to `orchestrator.dead`.

That requests are scheduled and processed is told with their end, in one go: a batch takes some milliseconds. Where it
takes longer, since Postgres is away or others hold its locks, that is told ahead.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from carewire_contracts.envelope import header
from carewire_contracts.requests import AcceptedRequest, RecordError
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.starts import Starts
from carewire_orchestrator.adapters.taken_requests import TakenRequests
from carewire_orchestrator.domain.request_outcome import AlreadyEnded, Duplicate, Failed
from carewire_orchestrator.domain.starting import Call, Outcome, Skipped, StartedCareFlow
from carewire_runtime.clock import Clock
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.dead_letters import DeadLetters
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.relay import Relay
from carewire_runtime.retry import retry_in_place
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

_MALFORMED: Final = "malformed_request"
_NO_SPAN: Final = ""
"""The spans of a batch have ended when its end is logged."""

_log = logger("request_consumer")


class RequestConsumer:
    """Handles batches of accepted requests."""

    def __init__(
        self,
        starts: Starts,
        identities: Identities,
        publishing: Publishing,
        producer: Producer,
        relay: Relay,
        clock: Clock,
    ) -> None:
        self._starts = starts
        self._identities = identities
        self._publishing = publishing
        self._producer = producer
        self._relay = relay
        self._clock = clock
        self._dead = DeadLetters(producer, publishing.topics.orchestrator_dead.name, clock)
        self.poison_limit = self._dead.limit

    async def handle(self, records: list[Record]) -> None:
        """End every request of a batch. Raises what does not pass by itself; then the batch is not finished."""
        began = self._clock.monotonic()
        calls: list[Call] = []
        for record in records:
            call = self._call(record)
            if call is None:
                await self._dead.send(record, _MALFORMED)
            else:
                calls.append(call)
        self.poison_limit.good(len(calls))
        if not calls:
            return
        taken = TakenRequests(calls, self._publishing, self._producer, self._clock)
        async with asyncio.TaskGroup() as both:
            telling = both.create_task(taken.tell_if_it_takes_long())
            outcomes = await retry_in_place(
                lambda: self._starts.end(calls, self._clock.now(), self._relay.wake, taken.still_to_tell),
                self._clock,
                what="end_requests",
            )
            if not taken.told_ahead:
                telling.cancel()
        duration_ms = round((self._clock.monotonic() - began) * 1000, 1)
        _tell_ended(calls, outcomes, duration_ms)

    def _call(self, record: Record) -> Call | None:
        """The call that a record tells of; None where it is no request at all."""
        try:
            request = AcceptedRequest.decode(record.value or b"")
        except RecordError:
            return None
        if not _is_whole(request):
            return None
        return Call(
            request=request,
            appended_at=datetime.fromtimestamp(record.timestamp_ms / 1000, UTC),
            fingerprints=tuple(self._identities.fingerprint(identifier) for identifier in request.identifiers),
            care_flow_id=new_id(),
            patient_id=new_id(),
            traceparent=header(record.headers, "traceparent"),
        )


def _is_whole(request: AcceptedRequest) -> bool:
    """Whether the texts that we look up by are texts, and such as Postgres can hold: without NUL."""
    # The record was decoded without looking at types: the writer is ours, until it is not.
    texts = [
        request.request_id,
        request.tenant_id,
        request.webhook_id,
        request.definition_id,
        request.release_id,
        request.start_key,
        request.body_digest,
        *[text for identifier in request.identifiers for text in (identifier.system, identifier.value)],
        *[value.data_point_definition_id for value in request.data_points],
    ]
    try:
        # A profile is only kept sealed, so it may hold anything that is text.
        "".join([*request.profile.keys(), *request.profile.values()])
        return "\x00" not in "".join(texts)
    except TypeError:
        return False


def _tell_ended(calls: Sequence[Call], outcomes: Sequence[Outcome], duration_ms: float) -> None:
    ended: list[tuple[dict[str, object], str]] = []
    for call, outcome in zip(calls, outcomes, strict=True):
        if isinstance(outcome, AlreadyEnded):
            _log.info("request_had_ended", request_id=call.request.request_id)
            continue
        how = _how(outcome)
        metrics.OUTCOMES.add(status=str(how["status"]), reason=str(how.get("reason", "")))
        ended.append((_what(call) | {"duration_ms": duration_ms} | how, _NO_SPAN))
    if ended:
        _log.info_each("request_ended", ended)


def _what(call: Call) -> dict[str, object]:
    request = call.request
    return {
        "request_id": request.request_id,
        "webhook_id": request.webhook_id,
        "definition_id": request.definition_id,
        "release_id": request.release_id,
        "start_key": request.start_key,
    }


def _how(outcome: StartedCareFlow | Skipped | Duplicate | Failed) -> dict[str, object]:
    if isinstance(outcome, Failed):
        return {"status": "FAILED", "reason": outcome.reason.value}
    ended: dict[str, object] = {"status": "SUCCESS", "care_flow_id": outcome.care_flow_id}
    if isinstance(outcome, Duplicate):
        ended["duplicate_of"] = outcome.request_id
    elif isinstance(outcome, Skipped):
        ended["reason"] = outcome.reason.value
    return ended
