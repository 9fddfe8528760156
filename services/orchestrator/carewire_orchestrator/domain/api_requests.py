"""The HTTP request of an API call: what was asked for, with the values of concealed constants in its blanks.

Those values are known only from here to the sending. Nothing of a request is kept.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Final

from carewire_contracts.record import record
from carewire_orchestrator.domain.care_flow import Reason
from carewire_orchestrator.domain.orders import ApiCallRequested, Blank, WithBlanks
from carewire_orchestrator.domain.texts import Escape, in_json, in_url, plain

MAX_URL: Final = 8_192
"""Characters of a URL with everything filled in: what servers take at most."""

_CLIMBS: Final = re.compile(r"[^?#]*/\.{1,2}(?:[/?#]|$)")
"""A URL whose path leads elsewhere than it reads (RFC 3986, section 5.2.4): a dot cannot be escaped, for servers take
`%2E` for one, so a value of dots would choose what is called."""


@record()
class HttpRequest:
    """What is sent. Its repr hides all that may be health data or a secret."""

    idempotency_key: str
    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: str | None = field(repr=False)


def blanks_of(order: ApiCallRequested) -> frozenset[str]:
    """The concealed constants whose values a call needs."""
    texts = (order.url, order.body or (), *(value for _, value in order.headers))
    return frozenset(part.constant for text in texts for part in text if isinstance(part, Blank))


def request_of(order: ApiCallRequested, values: Mapping[str, str]) -> HttpRequest | Reason:
    """What is sent, or why nothing can be: a value is not known, or one that is cannot stand where it belongs."""
    if not blanks_of(order) <= values.keys():
        return Reason.CONSTANT_UNAVAILABLE
    request = HttpRequest(
        idempotency_key=order.activity_id,
        method=order.method,
        url=_filled(order.url, values, in_url),
        headers=tuple((name, _filled(value, values, plain)) for name, value in order.headers),
        body=None if order.body is None else _filled(order.body, values, in_json),
    )
    is_sendable = _is_sendable(request.url, (value for _, value in request.headers))
    return request if is_sendable and _CLIMBS.match(request.url) is None else Reason.UNSUITABLE_REQUEST


def can_be_sent(order: ApiCallRequested) -> bool:
    """Whether a call can be sent, as far as one can tell while its blanks are empty."""
    climbs = _CLIMBS.match("".join(part if isinstance(part, str) else "_" for part in order.url))
    return climbs is None and _is_sendable(_known(order.url), (_known(value) for _, value in order.headers))


def _filled(text: WithBlanks, values: Mapping[str, str], escape: Escape) -> str:
    return "".join(part if isinstance(part, str) else escape(values[part.constant]) for part in text)


def _known(text: WithBlanks) -> str:
    return "".join(part for part in text if isinstance(part, str))


def _is_sendable(url: str, headers: Iterable[str]) -> bool:
    """A line break in a header would begin another one."""
    return len(url) <= MAX_URL and all(value.isascii() and value.isprintable() for value in headers)
