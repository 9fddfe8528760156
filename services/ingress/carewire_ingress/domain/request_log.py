"""The request log: what is known of each request, put together from records and status events in any order.

Every record adds what it knows (a fragment); fragments of one request merge by rules that don't depend on their
order, so that a repeated or late record changes nothing: the status of the highest rank stays, and each status
keeps the earliest time at which it was said.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, TypeVar

from carewire_contracts.record import record
from carewire_contracts.requests import AcceptedRequest, DataPointValue, RefusedRequest
from carewire_contracts.statuses import (
    AnyRequestStatusEvent,
    RequestFailed,
    RequestRejected,
    RequestStatus,
    RequestSucceeded,
    RequestTested,
)


@record(repr=False)
class LogEntry:
    """What is known of one request. None stands for what no record said yet."""

    request_id: str
    webhook_id: str
    definition_id: str
    status: RequestStatus
    reached: dict[RequestStatus, datetime]
    received_at: datetime | None = None
    reasons: tuple[dict[str, str], ...] | None = None
    data_points: tuple[dict[str, Any], ...] | None = None
    content_type: str | None = None
    payload: bytes | None = field(default=None)
    care_flow_id: str | None = None
    patient_id: str | None = None
    duplicate_of: str | None = None
    failure_reason: str | None = None
    failure_message: str | None = None
    resubmission_of: str | None = None
    headers: dict[str, str] | None = None
    filter: tuple[Mapping[str, Any], ...] | None = None
    skip_reason: str | None = None
    start_key: str | None = None

    @property
    def reason_codes(self) -> frozenset[str]:
        """Why the request was refused or failed, by code: what the log is searched by."""
        codes = {reason["code"] for reason in self.reasons or ()}
        return frozenset(codes if self.failure_reason is None else codes | {self.failure_reason})

    def merged(self, other: "LogEntry") -> "LogEntry":
        """Both together; of what both know, the first said stays."""
        higher = other if other.status.rank > self.status.rank else self
        # Field by field: looking them up by name takes nearly twice as long, and a request has two or three records.
        return LogEntry(
            request_id=self.request_id,
            webhook_id=self.webhook_id,
            definition_id=self.definition_id,
            status=higher.status,
            reached=_earliest(self.reached, other.reached),
            received_at=_known(self.received_at, other.received_at),
            reasons=_known(self.reasons, other.reasons),
            data_points=_known(self.data_points, other.data_points),
            content_type=_known(self.content_type, other.content_type),
            payload=_known(self.payload, other.payload),
            care_flow_id=_known(self.care_flow_id, other.care_flow_id),
            patient_id=_known(self.patient_id, other.patient_id),
            duplicate_of=_known(self.duplicate_of, other.duplicate_of),
            failure_reason=_known(self.failure_reason, other.failure_reason),
            failure_message=_known(self.failure_message, other.failure_message),
            resubmission_of=_known(self.resubmission_of, other.resubmission_of),
            headers=_known(self.headers, other.headers),
            filter=_known(self.filter, other.filter),
            skip_reason=_known(self.skip_reason, other.skip_reason),
            start_key=_known(self.start_key, other.start_key),
        )


T = TypeVar("T")


def _known(said_first: T | None, said_later: T | None) -> T | None:
    return said_later if said_first is None else said_first


def _earliest(
    one: dict[RequestStatus, datetime], other: dict[RequestStatus, datetime]
) -> dict[RequestStatus, datetime]:
    times = dict(one)
    for status, at in other.items():
        times[status] = min(at, times.get(status, at))
    return times


def merge_by_request(entries: Iterable[LogEntry]) -> list[LogEntry]:
    """One entry a request, in the order of request ids (equal orders keep concurrent writers from deadlocks)."""
    merged: dict[str, LogEntry] = {}
    for entry in entries:
        known = merged.get(entry.request_id)
        merged[entry.request_id] = entry if known is None else known.merged(entry)
    return [merged[request_id] for request_id in sorted(merged)]


def of_accepted(request: AcceptedRequest) -> LogEntry:
    """What an accepted request tells."""
    return LogEntry(
        request_id=request.request_id,
        webhook_id=request.webhook_id,
        definition_id=request.definition_id,
        status=RequestStatus.SCHEDULED,
        reached={RequestStatus.SCHEDULED: request.received_at},
        received_at=request.received_at,
        data_points=_listed(request.data_points),
        content_type=request.content_type,
        payload=request.payload,
        resubmission_of=request.resubmission_of,
        headers=dict(request.headers) or None,
        filter=request.filter,
    )


def of_refused(request: RefusedRequest) -> LogEntry:
    """What a refused or test request tells."""
    status = RequestStatus(request.status)
    return LogEntry(
        request_id=request.request_id,
        webhook_id=request.webhook_id,
        definition_id=request.definition_id,
        status=status,
        reached={status: request.received_at},
        received_at=request.received_at,
        reasons=tuple(reason.as_dict() for reason in request.reasons),
        data_points=_listed(request.data_points),
        content_type=request.content_type,
        payload=request.payload,
        resubmission_of=request.resubmission_of,
        headers=dict(request.headers) or None,
        filter=request.filter,
        start_key=request.start_key,
    )


def of_status_event(event: AnyRequestStatusEvent) -> LogEntry:
    """What a status event tells."""
    status = RequestStatus(event.status)
    return LogEntry(
        request_id=event.request_id,
        webhook_id=event.webhook_id,
        definition_id=event.definition_id,
        status=status,
        reached={status: event.date},
        **_told_beside(event),
    )


def _told_beside(event: AnyRequestStatusEvent) -> dict[str, Any]:
    """What a status event tells beside the status, by the names of an entry's fields."""
    if isinstance(event, RequestSucceeded):
        return {
            "care_flow_id": event.care_flow_id,
            "patient_id": event.patient_id,
            "duplicate_of": event.duplicate_of,
            "skip_reason": None if event.skip_reason is None else event.skip_reason.value,
        }
    if isinstance(event, RequestFailed):
        return {
            "failure_reason": event.reason.value,
            "failure_message": event.message,
            "start_key": event.start_key,
        }
    if isinstance(event, RequestRejected | RequestTested):
        return {"reasons": event.reasons}
    return {}


def status_event_of(request: RefusedRequest) -> RequestRejected | RequestTested:
    """The public status event of a request that ended at its receipt."""
    event = RequestRejected if request.status == "REJECTED" else RequestTested
    return event(
        request_id=request.request_id,
        tenant_id=request.tenant_id,
        webhook_id=request.webhook_id,
        definition_id=request.definition_id,
        date=request.received_at,
        reasons=tuple(reason.as_dict() for reason in request.reasons),
    )


def _listed(data_points: Iterable[DataPointValue]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"data_point_definition_id": v.data_point_definition_id, "value_type": v.value_type, "value": v.value}
        for v in data_points
    )
