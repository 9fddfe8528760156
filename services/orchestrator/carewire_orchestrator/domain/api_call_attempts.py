"""When an API call is made again, and when it is given up.

What passes by itself is tried again: no connection, no answer in time, and the statuses by which a server says so.
Any other answer that is no success stays the same, however often one asks.
"""

from datetime import timedelta
from typing import Final

from carewire_contracts.definition import ApiCallRetrySettings
from carewire_contracts.record import record
from carewire_orchestrator.domain.care_flow import Reason
from carewire_orchestrator.domain.release import Release

_PASSING: Final = frozenset({408, 425, 429})
"""Request Timeout, Too Early, Too Many Requests (RFC 9110, 8470, 6585), besides all of 500 to 599."""


@record()
class Again:
    """It is made again after a pause."""

    pause: timedelta


@record()
class GivenUp:
    """It has failed for good."""

    reason: Reason


def after_failure(release: Release, attempts: int, status: int | None) -> Again | GivenUp:
    """What follows from a failed attempt, the last of so many. `status` is None where nobody answered."""
    settings = release.definition.settings.api_call_retry_settings or ApiCallRetrySettings()
    most = settings.max_attempts if settings.enabled else 1
    if attempts >= most or not _may_pass(status):
        return GivenUp(Reason.CALL_FAILED)
    # Twice as long each time; the exponent is bounded, or the power of a hundredth attempt would be reckoned in vain.
    delay = settings.initial_delay_ms * 2 ** min(attempts - 1, 32)
    return Again(timedelta(milliseconds=min(delay, settings.max_delay_ms)))


def is_success(status: int) -> bool:
    """Whether a status says that the call was done."""
    return 200 <= status < 300


def _may_pass(status: int | None) -> bool:
    return status is None or status in _PASSING or 500 <= status < 600
