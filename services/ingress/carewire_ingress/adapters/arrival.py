"""What an HTTP request to `/hooks/` says before its body is read."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Self

from carewire_contracts.record import record
from carewire_ingress.domain.payload import is_supported, media_type
from carewire_ingress.domain.start_key import STANDARD_HEADERS
from carewire_runtime.http.exchange import Exchange
from carewire_runtime.telemetry.tracing import span_context_from

PREFIX: Final = "/hooks/"
ROUTE: Final = "/hooks/{token}"
TEST_ROUTE: Final = "/hooks/{token}/test"

_MAX_MEDIA_TYPE: Final = 255
"""Two names of 127 characters at most, and the stroke between them (RFC 6838, section 4.2)."""
_TRACEPARENT_LENGTH: Final = 55
"""Characters of version 00 (W3C Trace Context, section 3.2.2): `00-` 32 `-` 16 `-` 2."""


@record(repr=False)
class Arrival:
    """A request by its path and headers. `token` is None where the path is none of ours."""

    method: str
    token: str | None
    is_test: bool
    raw_headers: Mapping[bytes, bytes]
    content_type: str
    """The bare media type."""
    is_supported: bool
    """Whether we read bodies of this type."""

    @classmethod
    def of(cls, exchange: Exchange) -> Self:
        """Read a request whose path begins with PREFIX. Of a repeated header the last one counts."""
        token, _, tail = exchange.path.removeprefix(PREFIX).partition("/")
        is_test = tail == "test"
        headers = dict(exchange.headers)
        content_type, is_read = _kind(headers.get(b"content-type", b""))
        known = token if is_test or not tail else None
        return cls(exchange.method, known, is_test, headers, content_type, is_read)

    @property
    def route(self) -> str:
        """The route template: all that logs and spans may show of the path."""
        return TEST_ROUTE if self.is_test else ROUTE

    @property
    def is_readable(self) -> bool:
        """Whether the body is of a kind that we read, and not compressed."""
        encoding = self.raw_headers.get(b"content-encoding")
        return self.is_supported and (encoding is None or encoding.strip().lower() in {b"", b"identity"})

    @property
    def declared_length(self) -> int | None:
        """The body's size as announced."""
        digits = self.raw_headers.get(b"content-length", b"")
        return int(digits) if digits.isdigit() else None

    @property
    def traceparent(self) -> str | None:
        """The caller's trace, if it is well-formed, and no more of it: the rest could be a value in disguise."""
        value = self.raw_headers.get(b"traceparent")
        if value is None:
            return None
        text = value.decode("latin-1")
        return None if span_context_from(text) is None else text[:_TRACEPARENT_LENGTH]

    def start_key_headers(self, configured: str | None) -> dict[str, str]:
        """Those headers that may hold the sender's delivery id."""
        found: dict[str, str] = {}
        for raw, name in _start_key_names(configured):
            value = self.raw_headers.get(raw)
            if value is not None:
                found[name] = value.decode("latin-1")
        return found


@lru_cache(maxsize=1_024)
def _start_key_names(configured: str | None) -> tuple[tuple[bytes, str], ...]:
    names = STANDARD_HEADERS if configured is None else (*STANDARD_HEADERS, configured)
    return tuple((name.encode(), name) for name in names)


@lru_cache(maxsize=256)
def _kind(header: bytes) -> tuple[str, bool]:
    """The media type, and whether we read it: senders say the same few over and over again."""
    name = media_type(header.decode("latin-1"))
    return name[:_MAX_MEDIA_TYPE], len(name) <= _MAX_MEDIA_TYPE and is_supported(name)
