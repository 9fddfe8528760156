"""Sends logged requests again: judged by what their webhook says now, appended like any call, or refused.

A resubmission is a request of its own, with a log row of its own. It is recorded in the audit before it is
appended, so nothing goes out unrecorded.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from carewire_contracts.requests import Reason
from carewire_ingress.adapters.catalogue_table import CatalogueTable
from carewire_ingress.adapters.request_channel import RequestChannel
from carewire_ingress.adapters.request_reader import LoggedRequest, RequestReader
from carewire_ingress.adapters.request_records import RequestRecord, RequestRecords
from carewire_ingress.adapters.webhook_store import WebhookStore
from carewire_ingress.domain.admit import Accepted, admit
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.mapping import AdmissionPlan, plan_admission
from carewire_ingress.domain.resubmission import Obstacle, Sent, obstacle_of, resubmission_key
from carewire_ingress.errors import NotAcknowledged
from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.errors import KafkaError, RecordTooLarge
from carewire_runtime.ids import new_id
from carewire_runtime.telemetry.logs import logger
from carewire_runtime.telemetry.tracing import SpanKind, span

_AT_ONCE: Final = 16
"""Payloads in memory, and records that wait for Kafka together: with the largest of 2 MiB, some 100 MiB."""

_log = logger("resubmitter")


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Appended as a new request."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Judged and refused, which is logged as a new request."""

    request_id: str
    reasons: tuple[Reason, ...] = field(default=())


NotDone: TypeAlias = Literal["not_acknowledged", "not_tried"]
Outcome: TypeAlias = Scheduled | Refused | Obstacle | NotDone


class Resubmitter:
    """Sends requests again. `fault` says why nothing can be accepted now."""

    def __init__(
        self,
        reader: RequestReader,
        webhooks: WebhookStore,
        catalogue: CatalogueTable,
        channel: RequestChannel,
        records: RequestRecords,
        clock: Clock,
        *,
        most_bytes: int,
        fault: Callable[[], str | None],
    ) -> None:
        self._reader = reader
        self._webhooks = webhooks
        self._catalogue = catalogue
        self._channel = channel
        self._records = records
        self._clock = clock
        self._most_bytes = most_bytes
        self._fault = fault

    async def resubmit(self, request_ids: Sequence[str], by: Principal) -> dict[str, Outcome]:
        """The outcome of each request, in their order. Once Kafka fails to confirm one, no more are tried."""
        outcomes: dict[str, Outcome] = {}
        distinct = list(dict.fromkeys(request_ids))
        for start in range(0, len(distinct), _AT_ONCE):
            some = distinct[start : start + _AT_ONCE]
            if self._fault() is not None or "not_acknowledged" in outcomes.values():
                outcomes |= dict.fromkeys(some, "not_tried")
            else:
                outcomes |= await self._resubmit_some(some, by)
        return outcomes

    async def _resubmit_some(self, request_ids: Sequence[str], by: Principal) -> dict[str, Outcome]:
        logged = await self._reader.to_resubmit(request_ids)
        plans = await self._plans({one.webhook_id for one in logged.values()})
        obstacles = {one: self._obstacle(logged.get(one), plans) for one in request_ids}
        able = [one for one, obstacle in obstacles.items() if obstacle is None]
        lines = await self._reader.begin_resubmission(able, by)
        done = await asyncio.gather(
            *(self._send(logged[one], plans[logged[one].webhook_id], lines[one]) for one in able)
        )
        found: Mapping[str, Outcome] = dict(zip(able, done, strict=True))
        return {one: obstacle or found[one] for one, obstacle in obstacles.items()}

    async def _plans(self, webhook_ids: set[str]) -> dict[str, AdmissionPlan]:
        """Plans by webhook, of those that were not deleted. From Postgres: a correction just made counts."""
        plans: dict[str, AdmissionPlan] = {}
        for webhook_id in webhook_ids:
            stored = await self._webhooks.get(webhook_id)
            if stored is not None:
                webhook = self._webhooks.compiled(stored)
                definition = self._catalogue.definition(webhook.definition_id)
                plans[webhook_id] = plan_admission(webhook, None if definition is None else definition.live)
        return plans

    def _obstacle(self, logged: LoggedRequest | None, plans: Mapping[str, AdmissionPlan]) -> Obstacle | None:
        if logged is None:
            return Obstacle.UNKNOWN_REQUEST
        return obstacle_of(
            logged.row["status"],
            None if logged.payload is None else len(logged.payload),
            webhook_exists=logged.webhook_id in plans,
            most_bytes=self._most_bytes,
        )

    async def _send(self, logged: LoggedRequest, plan: AdmissionPlan, line: Sequence[Sent]) -> Outcome:
        body, content_type = logged.payload or b"", logged.row["content_type"] or ""
        received_ms = self._channel.broker_milliseconds(self._clock.monotonic())
        call = Call(new_id(), received_ms, content_type, {}, body, resubmission_of=logged.id)
        with span("ingress.resubmit", kind=SpanKind.PRODUCER) as trace:
            verdict = admit(plan, self._catalogue.systems, call)
            if isinstance(verdict, Accepted):
                verdict = replace(verdict, start_key=resubmission_key(line))
            record = self._records.of(plan.webhook, call, verdict, trace.traceparent)
            failure = await self._append(record)
        if failure is not None:
            return failure
        _log.info("request_resubmitted", request_id=call.request_id, webhook_id=plan.webhook.id)
        if isinstance(verdict, Accepted):
            return Scheduled(call.request_id)
        return Refused(call.request_id, verdict.reasons)

    async def _append(self, record: RequestRecord) -> Outcome | None:
        """Append a record; why it was not, if it was not in time."""
        try:
            appended = await self._channel.append(
                record.topic, key=record.key, value=record.value, headers=record.headers
            )
        except RecordTooLarge:
            return Obstacle.TOO_LARGE
        except (KafkaError, NotAcknowledged) as error:
            _log.warning("not_acknowledged", error=error)
            return "not_acknowledged"
        is_late = record.expires_ms is not None and appended.timestamp_ms > record.expires_ms
        return "not_acknowledged" if is_late else None
