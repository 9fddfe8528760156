"""What an endpoint's answer means for its delivery. One total function.

Any 2xx is a success (reference, section 2.3). 410 says that nobody listens there any more. All else,
redirects and broken connections included, is tried again for 24 hours: what a receiver answers while
it is being repaired says little about the delivery. An endpoint may name status codes that it means as its last word.
"""

from dataclasses import field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

from carewire_contracts.record import record
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.schedule import RetrySchedule, Slot

_DELIVERED: Final = End(EndStatus.DELIVERED)
_GONE: Final = 410
_ASKS_TO_WAIT: Final = frozenset({429, 503})
_SECONDS_MAX: Final = 10
"""Digits of a Retry-After that are read: more seconds than any calendar holds."""


class Failure(StrEnum):
    """Why there was no answer."""

    TIMEOUT = "timeout"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    DISCONNECTED = "disconnected"
    PROTOCOL = "protocol"
    ADDRESS_REFUSED = "address_refused"
    """The endpoint's address is private, loopback or otherwise not for us to call."""
    INSECURE_URL = "insecure_url"
    """The endpoint's URL isn't HTTPS, and this deployment allows nothing else."""


RawHeaders = tuple[tuple[bytes, bytes], ...]
"""Headers as they came, their names in lower case."""


@record()
class Answer:
    """What the endpoint said. Its `headers`, as far as the log keeps any, and its `body` decide nothing."""

    status: int
    retry_after: str | None = None
    headers: RawHeaders = field(default=(), compare=False, repr=False)
    body: bytes = field(default=b"", compare=False, repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the delivery arrived."""
        return 200 <= self.status < 300


@record()
class Retry:
    """Try again in `slot`."""

    slot: Slot


Verdict = End | Retry


def classify(
    result: Answer | Failure,
    now: int,
    delivery: Delivery,
    schedule: RetrySchedule,
    terminal_statuses: frozenset[int] = frozenset(),
) -> Verdict:
    """Say how it goes on after an attempt that ended `now`.

    `delivery` has the attempt counted already. A Retry-After of 429 and 503 is honoured within the 24 hours.
    """
    not_before = None
    if isinstance(result, Answer):
        if result.is_success:
            return _DELIVERED
        if result.status == _GONE:
            return End(EndStatus.FAILED, EndReason.ENDPOINT_GONE)
        if result.status in terminal_statuses:
            return End(EndStatus.FAILED, EndReason.TERMINAL_STATUS)
        if result.status in _ASKS_TO_WAIT:
            not_before = retry_after_at(result.retry_after, now)
    first = now if delivery.first_attempt_at is None else delivery.first_attempt_at
    slot = schedule.next_attempt(delivery.id, first, delivery.slot, now, not_before)
    return End(EndStatus.FAILED, EndReason.EXHAUSTED) if slot is None else Retry(slot)


def retry_after_at(text: str | None, now: int) -> int | None:
    """Read a Retry-After header, in seconds or as an HTTP date (RFC 9110, section 10.2.3), as an instant.

    None where there is none or it cannot be read: a receiver's slip must not stop its deliveries.
    """
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        return now + int(text[:_SECONDS_MAX]) * 1000
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return _epoch_millis(moment)


def _epoch_millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
