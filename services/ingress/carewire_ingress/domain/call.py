"""One HTTP call to an incoming webhook, as the decision about it needs it."""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from functools import lru_cache

from carewire_contracts.record import record


@record(repr=False)
class Call:
    """A call. `received_ms` is in milliseconds since 1970 by the broker's clock.

    `content_type` is the bare media type; names in `headers` are in lower case: those that may tell the delivery.
    `logged_headers` are those that the log may show. A test call is validated like any other, also while the webhook
    is disabled, and starts nothing. `resubmission_of` is the request that staff sent again, None for a call of a
    third party.
    """

    request_id: str
    received_ms: int
    content_type: str
    headers: Mapping[str, str]
    body: bytes
    is_test: bool = False
    logged_headers: Mapping[str, str] = field(default_factory=dict)
    resubmission_of: str | None = None

    @property
    def received_at(self) -> datetime:
        """The moment in UTC."""
        return _moment(self.received_ms)


@lru_cache(maxsize=64)
def _moment(milliseconds: int) -> datetime:
    """A time as an object, kept: calls that are worked on together came at one moment."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
