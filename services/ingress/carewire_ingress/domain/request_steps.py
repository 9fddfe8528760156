"""What was done with a request when it reached a status, in a sentence that staff read; it holds no value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from carewire_contracts.requests import ReasonCode
from carewire_contracts.statuses import RequestStatus, SkipReason


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What the log knows of a request. `reason_codes` are those of its refusal."""

    care_flow_id: str | None = None
    patient_id: str | None = None
    duplicate_of: str | None = None
    failure_message: str | None = None
    reason_codes: tuple[str, ...] = ()
    resubmission_of: str | None = None
    skip_reason: str | None = None

    @property
    def was_filtered(self) -> bool:
        """Whether the webhook's filter did not hold."""
        return ReasonCode.FILTERED in self.reason_codes


def what_was_done(status: RequestStatus, facts: RequestFacts) -> str:
    """The sentence of one status."""
    match status:
        case RequestStatus.SCHEDULED if facts.resubmission_of is not None:
            return f"Sent again by staff, being request {facts.resubmission_of}, and queued for the orchestrator."
        case RequestStatus.SCHEDULED:
            return "Stored and queued for the orchestrator."
        case RequestStatus.PROCESSING:
            return "Taken by the orchestrator."
        case RequestStatus.SUCCESS:
            return _success(facts)
        case RequestStatus.FAILED:
            return f"Failed: {facts.failure_message or 'the reason is not known yet.'}"
        case RequestStatus.REJECTED if facts.was_filtered:
            return "Not meant for this care flow by the webhook's filter, so nothing was started."
        case RequestStatus.REJECTED:
            return f"Refused at receipt, so no care flow was started: {_listed(facts.reason_codes)}."
        case RequestStatus.TEST if facts.was_filtered:
            return "Tested, nothing was started. The webhook's filter would have kept it from the care flow."
        case RequestStatus.TEST if facts.reason_codes:
            return f"Tested, nothing was started. It would have been refused: {_listed(facts.reason_codes)}."
        case _:
            return "Tested, nothing was started. It would have been accepted."


def _success(facts: RequestFacts) -> str:
    flow = f"care flow {facts.care_flow_id} for patient {facts.patient_id}"
    if facts.skip_reason is not None:
        found = _SKIPPED.get(facts.skip_reason, "stands in the way")
        return f"Skipped by the enrolment guard: {flow} {found}. Nothing was started{_repeated(facts)}."
    if facts.duplicate_of is None:
        return f"Started {flow}."
    return f"Duplicate of request {facts.duplicate_of}, which had started {flow}; nothing more was started."


_SKIPPED: Final[Mapping[str, str]] = {
    SkipReason.ACTIVE_CARE_FLOW: "is still active",
    SkipReason.EVER_ENROLLED: "exists already",
}


def _repeated(facts: RequestFacts) -> str:
    return "" if facts.duplicate_of is None else f", as for request {facts.duplicate_of}, of which this is a duplicate"


def _listed(codes: tuple[str, ...]) -> str:
    return ", ".join(codes) or "for no reason that is known"
