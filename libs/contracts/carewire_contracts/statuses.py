"""Status events of requests to incoming webhooks (`carewire.incoming-webhooks`).

Each carries `status` in the six words that staff see. A request's statuses only go up in rank, so a log
writer may apply them in any order; the last rank is final.
"""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter

from carewire_contracts.timestamps import Timestamp
from carewire_contracts.wire import Message


class RequestStatus(StrEnum):
    """The six words of the request log."""

    SCHEDULED = "SCHEDULED"
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    TEST = "TEST"

    @property
    def rank(self) -> int:
        """How far along a status is; a status never follows one of equal or higher rank."""
        return _RANKS[self]

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self.rank == _FINAL_RANK


_FINAL_RANK: Final = 3
_RANKS: Final = {
    RequestStatus.SCHEDULED: 1,
    RequestStatus.PROCESSING: 2,
    RequestStatus.SUCCESS: _FINAL_RANK,
    RequestStatus.FAILED: _FINAL_RANK,
    RequestStatus.REJECTED: _FINAL_RANK,
    RequestStatus.TEST: _FINAL_RANK,
}


class FailureReason(StrEnum):
    """Why an accepted request ended FAILED. The list is closed: nothing else may end a request."""

    NOT_ACKNOWLEDGED = "not_acknowledged"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    IDENTITY_CONFLICT = "identity_conflict"
    RELEASE_NOT_FOUND = "release_not_found"
    INVALID_BASELINE = "invalid_baseline"


class SkipReason(StrEnum):
    """Why an enrolment guard let a request start nothing."""

    ACTIVE_CARE_FLOW = "active_care_flow"
    EVER_ENROLLED = "ever_enrolled"


class RequestStatusEvent(Message):
    """What every status event says. `date` is when the status was reached."""

    request_id: str
    tenant_id: str
    webhook_id: str
    definition_id: str
    date: Timestamp


class RequestScheduled(RequestStatusEvent):
    """The request is durable and waits for its turn."""

    event_type: Literal["incoming_webhook.request.scheduled"] = "incoming_webhook.request.scheduled"
    status: Literal["SCHEDULED"] = "SCHEDULED"


class RequestProcessing(RequestStatusEvent):
    """The orchestrator took the request."""

    event_type: Literal["incoming_webhook.request.processing"] = "incoming_webhook.request.processing"
    status: Literal["PROCESSING"] = "PROCESSING"


class RequestSucceeded(RequestStatusEvent):
    """A care flow runs for the request; `duplicate_of` is the request that had started it already.

    With a `skip_reason` the request started nothing: the enrolment guard found that care flow of the patient.
    """

    event_type: Literal["incoming_webhook.request.succeeded"] = "incoming_webhook.request.succeeded"
    status: Literal["SUCCESS"] = "SUCCESS"
    care_flow_id: str
    patient_id: str
    duplicate_of: str | None = None
    skip_reason: SkipReason | None = None


class RequestFailed(RequestStatusEvent):
    """The request ended without a care flow.

    `start_key` is the one that its sender's own key gave it, where it may be sent again as the same delivery.
    """

    event_type: Literal["incoming_webhook.request.failed"] = "incoming_webhook.request.failed"
    status: Literal["FAILED"] = "FAILED"
    reason: FailureReason
    message: str
    start_key: str | None = None


class RequestRejected(RequestStatusEvent):
    """The call was refused at receipt; `reasons` are as in the answer to the caller."""

    event_type: Literal["incoming_webhook.request.rejected"] = "incoming_webhook.request.rejected"
    status: Literal["REJECTED"] = "REJECTED"
    reasons: tuple[dict[str, str], ...]


class RequestTested(RequestStatusEvent):
    """A test call was validated; without `reasons` it would have been accepted."""

    event_type: Literal["incoming_webhook.request.tested"] = "incoming_webhook.request.tested"
    status: Literal["TEST"] = "TEST"
    reasons: tuple[dict[str, str], ...]


AnyRequestStatusEvent = Annotated[
    RequestScheduled | RequestProcessing | RequestSucceeded | RequestFailed | RequestRejected | RequestTested,
    Field(discriminator="event_type"),
]

_ADAPTER: Final[TypeAdapter[Any]] = TypeAdapter(AnyRequestStatusEvent)


def decode_status_event(data: bytes) -> AnyRequestStatusEvent:
    """Read any status event. Raises pydantic.ValidationError where the bytes are none of the six."""
    event: AnyRequestStatusEvent = _ADAPTER.validate_json(data)
    return event
