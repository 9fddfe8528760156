"""The status events that the orchestrator emits for a request (the seed's words SCHEDULED to FAILED).

They are laid out as plain documents, in the order in which the contract's models write their fields, as domain events
are: each start tells three. That they are byte for byte what the models write is pinned by a test.
"""

from datetime import datetime
from typing import Any, TypeAlias

from carewire_contracts.requests import AcceptedRequest
from carewire_contracts.statuses import FailureReason, SkipReason
from carewire_orchestrator.domain.moments import write_moment
from carewire_orchestrator.domain.request_outcome import FAILURE_MESSAGES, AlreadyEnded, Duplicate, Failed
from carewire_orchestrator.domain.starting import Outcome, Skipped

StatusDocument: TypeAlias = dict[str, Any]
"""A status event, to be written as it stands."""


def taken(request: AcceptedRequest, appended_at: datetime, now: datetime) -> tuple[StatusDocument, StatusDocument]:
    """What is told when a request is taken: it was scheduled when it was appended, and is processed now."""
    return _said(request, appended_at, "scheduled", "SCHEDULED"), _said(request, now, "processing", "PROCESSING")


def ended(request: AcceptedRequest, outcome: Outcome, now: datetime) -> StatusDocument | None:
    """What is told when a request has ended; None where that was told before."""
    if isinstance(outcome, AlreadyEnded):
        return None
    if isinstance(outcome, Failed):
        failed = _said(request, now, "failed", "FAILED")
        failed |= {"reason": outcome.reason.value, "message": FAILURE_MESSAGES[outcome.reason]}
        return failed | _senders_key(request, outcome.reason)
    succeeded = _said(request, now, "succeeded", "SUCCESS")
    succeeded |= {"care_flow_id": outcome.care_flow_id, "patient_id": outcome.patient_id}
    if isinstance(outcome, Duplicate):
        return succeeded | {"duplicate_of": outcome.request_id} | _why_skipped(outcome.skip_reason)
    return succeeded | _why_skipped(outcome.reason if isinstance(outcome, Skipped) else None)


def _senders_key(request: AcceptedRequest, reason: FailureReason) -> dict[str, str]:
    """A sender's own key, under which staff send the call again; a reused one belongs to another delivery."""
    is_own = request.start_key != request.request_id and request.resubmission_of is None
    return {"start_key": request.start_key} if is_own and reason is not FailureReason.IDEMPOTENCY_KEY_REUSED else {}


def _why_skipped(reason: SkipReason | None) -> dict[str, str]:
    """A field that is not given is not written: most requests are not skipped."""
    return {} if reason is None else {"skip_reason": reason.value}


def _said(request: AcceptedRequest, at: datetime, what: str, status: str) -> StatusDocument:
    return {
        "request_id": request.request_id,
        "tenant_id": request.tenant_id,
        "webhook_id": request.webhook_id,
        "definition_id": request.definition_id,
        "date": write_moment(at),
        "event_type": f"incoming_webhook.request.{what}",
        "status": status,
    }
