"""What the log keeps of a call and of what was answered, by closed lists: no credential, and no signature.

What is the same at each attempt of an endpoint is kept once, under an id that is derived from it. Of what was sent but
is not kept the log shows a dot: it was there.
"""

import re
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import urlsplit

import orjson

from carewire_contracts.record import record
from carewire_dispatcher.domain.classify import RawHeaders
from carewire_dispatcher.domain.content import CONTENT_TYPES
from carewire_dispatcher.domain.endpoint import ContentMode, Payload
from carewire_dispatcher.domain.signature import RSA_SIGNATURE_HEADER, SIGNATURE_HEADER
from carewire_dispatcher.domain.storable import Text, Uuid
from carewire_runtime.ids import derived_id

HIDDEN: Final = "\N{HORIZONTAL ELLIPSIS}"
"""Stands for a value that is not kept."""

SHOWN_CUSTOM_HEADERS: Final = frozenset(
    {"accept", "accept-language", "cache-control", "content-language", "prefer", "x-api-version", "x-environment"}
)
"""Custom headers, in lower case, whose values the log may show. Any other may hold a credential."""

KEPT_ANSWER_HEADERS: Final = frozenset(
    {
        b"allow",
        b"cf-ray",
        b"content-encoding",
        b"content-type",
        b"location",
        b"request-id",
        b"retry-after",
        b"server",
        b"via",
        b"www-authenticate",
        b"x-amz-cf-id",
        b"x-amzn-requestid",
        b"x-cloud-trace-context",
        b"x-correlation-id",
        b"x-request-id",
    }
)
"""Headers of an answer that help to find out why it is what it is, in lower case. No cookie is among them."""

_LONGEST: Final = 200
"""Characters of an answer's header that are kept."""
_REQUESTS_KEPT: Final = 10_000
_LOCATION: Final = b"location"
_RETRY_AFTER: Final = b"retry-after"
_SECONDS_OR_DATE: Final = re.compile(r"\d{1,10}|[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")
"""RFC 9110, section 10.2.3. What else a receiver writes there may be anything."""

Keep = Literal["failed", "all", "none"]
"""Of which attempts the answer is kept: those that did not deliver, all, or none."""


@record()
class SentRequest:
    """What all calls have in common that are made to an endpoint while its configuration stays as it is.

    `url` ends behind the host: what follows may be the receiver's secret. From `payload` and `content_mode` a body can
    be made again of its event.
    """

    id: Uuid
    url: Text
    headers: Mapping[Text, Text] = field(hash=False)
    payload: Payload
    content_mode: ContentMode


@record()
class KeptAnswer:
    """Headers of an answer, and the beginning of its body, sealed; None where it has none, or none is kept."""

    headers: Mapping[Text, Text] = field(hash=False)
    body: Text | None = field(repr=False)


@lru_cache(_REQUESTS_KEPT)
def sent_request(
    url: str,
    custom: tuple[tuple[str, str], ...],
    payload: Payload,
    content_mode: ContentMode,
    user_agent: str,
    signatures: tuple[int, int, bool],
    marks: tuple[tuple[str, str], ...],
) -> SentRequest:
    """Describe calls by their URL, custom headers, by what signs (how many secrets, ed25519 keys, and RSA), and marks.

    All arguments have a place: to look calls up by names would take twice as long.
    """
    headers = {name: value if name.lower() in SHOWN_CUSTOM_HEADERS else HIDDEN for name, value in custom}
    headers |= {"content-type": CONTENT_TYPES[content_mode], "user-agent": user_agent, "traceparent": HIDDEN}
    hmacs, ed25519, rsa = signatures
    if signed := [f"v1,{HIDDEN}"] * hmacs + [f"v1a,{HIDDEN}"] * ed25519:
        headers[SIGNATURE_HEADER] = " ".join(signed)
    if rsa:
        headers[RSA_SIGNATURE_HEADER] = HIDDEN
    headers.update(marks)
    shown = _origin(url)
    described = orjson.dumps([shown, headers, payload, content_mode], option=orjson.OPT_SORT_KEYS).decode()
    return SentRequest(derived_id("sent-request", described), shown, headers, payload, content_mode)


def kept_headers(raw: RawHeaders) -> dict[str, str]:
    """Return an answer's headers as the log keeps them: printable, cut, and of a location the origin alone."""
    return {name.decode(): _shown(name, value) for name, value in raw if name in KEPT_ANSWER_HEADERS}


def _shown(name: bytes, value: bytes) -> str:
    text = value.decode("latin-1")
    if name == _LOCATION:
        text = _origin(text)
    if name == _RETRY_AFTER and _SECONDS_OR_DATE.fullmatch(text) is None:
        return HIDDEN
    text = text[:_LONGEST]
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _origin(url: str) -> str:
    """Cut a URL behind its host: a path or a query may hold whom it is about."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return HIDDEN
    if parts.hostname is None:
        return HIDDEN
    return f"{parts.scheme}://{parts.hostname}{'' if port is None else f':{port}'}/{HIDDEN}"


def is_kept(keep: Keep, *, delivered: bool) -> bool:
    """Whether the log keeps the answer of an attempt."""
    return keep == "all" or (keep == "failed" and not delivered)
