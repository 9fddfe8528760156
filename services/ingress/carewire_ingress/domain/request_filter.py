"""Which requests of the log are wanted."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from carewire_contracts.requests import ReasonCode
from carewire_contracts.statuses import FailureReason, RequestStatus

RESUBMITTABLE: Final = (RequestStatus.FAILED, RequestStatus.REJECTED)
"""How a request ended that may be sent again: without a care flow, and not as a test."""


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """All conditions hold together; what is None or empty demands nothing.

    Times are inclusive at the start and exclusive at the end. `resubmittable` wants those that ended without a care
    flow, whose payload was kept, and that were not sent again yet.
    """

    statuses: tuple[RequestStatus, ...] = ()
    webhook_id: str | None = None
    definition_id: str | None = None
    care_flow_id: str | None = None
    request_id: str | None = None
    reason: ReasonCode | FailureReason | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None
    resubmittable: bool = False

    @property
    def wanted_statuses(self) -> tuple[RequestStatus, ...]:
        """The statuses that can be found, each once, in a fixed order; empty where no request can be wanted."""
        asked = self.statuses or tuple(RequestStatus)
        able = RESUBMITTABLE if self.resubmittable else tuple(RequestStatus)
        return tuple(status for status in RequestStatus if status in asked and status in able)

    @property
    def demands_status(self) -> bool:
        """Whether not every status will do."""
        return len(self.wanted_statuses) < len(RequestStatus)

    def among_resubmittable(self) -> "RequestFilter":
        """The same, of those that can be sent again and were not yet."""
        return replace(self, resubmittable=True)
