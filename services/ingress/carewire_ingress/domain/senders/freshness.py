"""Whether a call was signed just now: an old one may be a copy that somebody kept."""

import re
from typing import Final

from carewire_ingress.domain.senders.verdict import Distrust, Doubt

TOLERANCE_S: Final = 300
"""Seconds between a timestamp and our clock, either way: what Stripe, Slack and Standard Webhooks use."""

_DIGITS: Final = re.compile("[0-9]{1,14}")
"""Seconds and milliseconds since 1970, far beyond our lives."""


def check_fresh(timestamp: str, now: float, where: str, *, per_second: int = 1) -> None:
    """Compare a timestamp (since 1970, `per_second` units) with our clock in seconds. Raises Distrust."""
    if not _DIGITS.fullmatch(timestamp):
        raise Distrust(Doubt.UNREADABLE, where)
    age = now - int(timestamp) / per_second
    if age > TOLERANCE_S:
        raise Distrust(Doubt.TOO_OLD, where)
    if age < -TOLERANCE_S:
        raise Distrust(Doubt.TOO_NEW, where)
