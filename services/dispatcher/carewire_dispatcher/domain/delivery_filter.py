"""Which deliveries, and which attempts, somebody asks for."""

from datetime import datetime

from carewire_contracts.record import record


@record()
class DeliveryFilter:
    """All conditions hold together; None lets everything pass. Times are inclusive at the start, exclusive at the end.

    `status_code` and `failure` are those of the last attempt.
    """

    endpoint_id: str | None = None
    event_type: str | None = None
    event_id: str | None = None
    care_flow_id: str | None = None
    status: str | None = None
    status_code: int | None = None
    failure: str | None = None
    event_from: datetime | None = None
    event_to: datetime | None = None

    @property
    def is_of_undelivered(self) -> bool:
        """Whether only deliveries that did not arrive can pass by their status."""
        return self.status is not None and self.status != "delivered"

    @property
    def is_of_refusals(self) -> bool:
        """Whether only deliveries can pass whose last answer was no success."""
        return self.status_code is not None and not 200 <= self.status_code <= 299


@record()
class AttemptFilter:
    """Attempts of one endpoint."""

    endpoint_id: str
    status_code: int | None = None
    failure: str | None = None
    started_from: datetime | None = None
    started_to: datetime | None = None
