"""How a delivery ends. The lists are closed."""

from enum import StrEnum

from carewire_contracts.record import record


class EndStatus(StrEnum):
    """The last word on a delivery."""

    DELIVERED = "delivered"
    FAILED = "failed"
    HELD = "held"


class EndReason(StrEnum):
    """Why a delivery ended without success."""

    EXHAUSTED = "exhausted"
    """Every attempt of the 24 hours failed."""
    ENDPOINT_GONE = "endpoint_gone"
    """The endpoint answered 410: nobody listens there any more."""
    TERMINAL_STATUS = "terminal_status"
    """The endpoint answered with a status that it named as final."""
    ENDPOINT_PAUSED = "endpoint_paused"
    """Its endpoint is paused; it is sent when the endpoint goes on."""
    ENDPOINT_DISABLED = "endpoint_disabled"
    """Its endpoint was switched off meanwhile; it can be sent again from the event."""
    ENDPOINT_DELETED = "endpoint_deleted"
    """Its endpoint exists no more."""


@record()
class End:
    """No further attempt is made."""

    status: EndStatus
    reason: EndReason | None = None
