"""The headers of a call that the request log may show: technical ones alone, from one closed list.

No signature, cookie or credential is among them, and no id of a delivery, which senders make of record numbers.
The media type is logged apart, without its parameters.
"""

from collections.abc import Mapping
from typing import Final

MAX_SHOWN: Final = 200
"""Characters of a value; the longest user agents have some 180."""

LOGGED_HEADERS: Final = frozenset(
    {
        "user-agent",
        "webhook-timestamp",
        "x-github-event",
        "x-shopify-topic",
        "x-shopify-triggered-at",
        "x-shopify-api-version",
        "x-slack-request-timestamp",
        "x-slack-retry-num",
        "x-slack-retry-reason",
        "x-twilio-email-event-webhook-timestamp",
        "x-zm-request-timestamp",
    }
)
"""In lower case. Of senders, those that tell a kind of event or a time."""

_NAMES: Final[Mapping[bytes, str]] = {name.encode(): name for name in LOGGED_HEADERS}


def logged_headers(raw: Mapping[bytes, bytes]) -> dict[str, str]:
    """What the log keeps of a call's headers, whose names are in lower case. Never raises."""
    return {_NAMES[name]: _shown(value) for name, value in raw.items() if name in _NAMES}


def _shown(value: bytes) -> str:
    """Printable and cut. Headers are bytes of any kind; as ISO-8859-1 each of them is one character."""
    text = value[:MAX_SHOWN].decode("latin-1")
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
