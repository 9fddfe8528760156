"""The status events that the orchestrator emits for a request (the seed's words SCHEDULED to FAILED)."""

from datetime import datetime

from carewire_contracts.requests import AcceptedRequest
from carewire_contracts.statuses import (
    AnyRequestStatusEvent,
    RequestFailed,
    RequestProcessing,
    RequestScheduled,
    RequestSucceeded,
    SkipReason,
)
from carewire_orchestrator.domain.request_outcome import FAILURE_MESSAGES, AlreadyEnded, Duplicate, Failed
from carewire_orchestrator.domain.starting import Outcome, Skipped


def taken(request: AcceptedRequest, appended_at: datetime, now: datetime) -> list[AnyRequestStatusEvent]:
    """What is told when a request is taken: it was scheduled when it was appended, and is processed now."""
    return [
        RequestScheduled(**_about(request), date=appended_at),
        RequestProcessing(**_about(request), date=now),
    ]


def ended(request: AcceptedRequest, outcome: Outcome, now: datetime) -> AnyRequestStatusEvent | None:
    """What is told when a request has ended; None where that was told before."""
    about = _about(request)
    if isinstance(outcome, AlreadyEnded):
        return None
    if isinstance(outcome, Failed):
        message = FAILURE_MESSAGES[outcome.reason]
        return RequestFailed(**about, date=now, reason=outcome.reason, message=message)
    if isinstance(outcome, Duplicate):
        return RequestSucceeded(
            **about,
            date=now,
            care_flow_id=outcome.care_flow_id,
            patient_id=outcome.patient_id,
            duplicate_of=outcome.request_id,
            **_why_skipped(outcome.skip_reason),
        )
    why = _why_skipped(outcome.reason if isinstance(outcome, Skipped) else None)
    return RequestSucceeded(**about, date=now, care_flow_id=outcome.care_flow_id, patient_id=outcome.patient_id, **why)


def _why_skipped(reason: SkipReason | None) -> dict[str, SkipReason]:
    """A field that is not given is not written: most requests are not skipped."""
    return {} if reason is None else {"skip_reason": reason}


def _about(request: AcceptedRequest) -> dict[str, str]:
    return {
        "request_id": request.request_id,
        "tenant_id": request.tenant_id,
        "webhook_id": request.webhook_id,
        "definition_id": request.definition_id,
    }
