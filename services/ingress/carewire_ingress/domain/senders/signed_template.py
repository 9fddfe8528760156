"""What a sender signs, as staff write it: text with places for the parts of a call, as in `{timestamp}.{body}`."""

import re
from string import Formatter
from typing import Final

from carewire_ingress.domain.senders.signed_call import SignedCall

HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
"""A token of RFC 9110, section 5.6.2."""

_PLACES: Final = ("body", "timestamp", "method", "url")
_KNOWN: Final = "{body}, {timestamp}, {method}, {url} and {header:NAME}"


class SignedTemplate:
    """A template, read once. Two braces stand for one."""

    __slots__ = ("_is_body", "_parts", "text")

    def __init__(self, text: str) -> None:
        """Read a template. Raises ValueError, which says how to mend it."""
        self.text: Final = text
        self._parts: Final = _parts(text)
        self._is_body: Final = text == "{body}"
        """As most senders have it: nothing is to be put together."""
        if not self.has("body"):
            raise ValueError("{body} is missing: what is not signed can be changed by anybody")

    def has(self, place: str) -> bool:
        """Whether a place occurs."""
        return (place, "") in self._parts

    def fill(self, call: SignedCall, timestamp: bytes) -> bytes:
        """The bytes that were signed for this call. Raises Distrust where a header is missing or repeated."""
        if self._is_body:
            return call.body
        values = {"body": call.body, "timestamp": timestamp, "method": call.method.encode(), "url": call.url}
        return b"".join(
            call.header(detail) if place == "header" else values.get(place, detail.encode())
            for place, detail in self._parts
        )


def _parts(text: str) -> tuple[tuple[str, str], ...]:
    """Pairs of a place and its detail: a header's name, or the text where the place is `text`."""
    try:
        pieces = list(Formatter().parse(text))
    except ValueError:
        raise ValueError("a brace has no partner; write two braces for one") from None
    parts: list[tuple[str, str]] = []
    for literal, place, detail, conversion in pieces:
        if literal:
            parts.append(("text", literal))
        if place is not None:
            parts.append(_place(place, detail or "", conversion))
    return tuple(parts)


def _place(place: str, detail: str, conversion: str | None) -> tuple[str, str]:
    named = place == "header" and HEADER_NAME.fullmatch(detail) is not None
    if conversion is None and (named or (place in _PLACES and not detail)):
        return place, detail
    raise ValueError(f"unknown place; there are {_KNOWN}")
