"""What becomes of an accepted request before any care flow is touched.

A start key starts one care flow, for ever. In order of precedence: a record that was appended too late was
answered 503 and starts nothing, nor does it use its key up; a key that came before repeats its first outcome, if
the body is the same; only then is anything started.
"""

from datetime import datetime
from typing import Final, TypeAlias

from carewire_contracts.record import record
from carewire_contracts.requests import AcceptedRequest
from carewire_contracts.statuses import FailureReason, SkipReason


@record()
class Start:
    """The first of its key: start a care flow."""


@record()
class AlreadyEnded:
    """This very request ended before: the record is read again after a crash. Nothing is to be done."""


@record()
class Duplicate:
    """The key came before with the same body: SUCCESS with the first call's care flow, or for what it was skipped."""

    request_id: str
    care_flow_id: str
    patient_id: str
    skip_reason: SkipReason | None = None


@record()
class Failed:
    """FAILED, for a reason of the closed list."""

    reason: FailureReason


@record()
class Succeeded:
    """A care flow was started; with a `skip_reason` it was not, for it was there already."""

    care_flow_id: str
    patient_id: str
    skip_reason: SkipReason | None = None


@record()
class FirstCall:
    """The first request that came with a start key, and how it ended."""

    request_id: str
    body_digest: str
    outcome: Succeeded | Failed


Verdict: TypeAlias = Start | AlreadyEnded | Duplicate | Failed


def is_expired(request: AcceptedRequest, appended_at: datetime) -> bool:
    """Whether the broker appended the record after its caller had been told 503."""
    return appended_at > request.expires_at


def judge(request: AcceptedRequest, appended_at: datetime, first: FirstCall | None) -> Verdict:
    """Decide what becomes of a request; `first` is the first call of its start key, None where it is itself."""
    if is_expired(request, appended_at):
        return Failed(FailureReason.NOT_ACKNOWLEDGED)
    if first is None:
        return Start()
    if first.request_id == request.request_id:
        return AlreadyEnded()
    if first.body_digest != request.body_digest:
        return Failed(FailureReason.IDEMPOTENCY_KEY_REUSED)
    if isinstance(first.outcome, Failed):
        return first.outcome
    known = first.outcome
    return Duplicate(first.request_id, known.care_flow_id, known.patient_id, known.skip_reason)


FAILURE_MESSAGES: Final[dict[FailureReason, str]] = {
    FailureReason.NOT_ACKNOWLEDGED: "The call could not be stored in time and was answered 503; send it again.",
    FailureReason.IDEMPOTENCY_KEY_REUSED: "This key came before with another body; use a new key for new content.",
    FailureReason.IDENTITY_CONFLICT: "The identifiers belong to different patients; merge them, or correct one.",
    FailureReason.RELEASE_NOT_FOUND: "The release that the call was validated against does not exist any more.",
    FailureReason.INVALID_BASELINE: "The baseline values do not fit the release; correct the webhook's mapping.",
}
"""What staff read beside a FAILED request: the cause and the cure, without any value."""
