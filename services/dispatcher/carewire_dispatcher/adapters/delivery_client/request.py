"""A call as bytes."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from carewire_dispatcher.adapters.delivery_client.target import Target
from carewire_dispatcher.adapters.sender import Call, HeaderPairs

_BEGINNINGS_KEPT: Final = 10_000
"""Beginnings of heads that are kept written, at some 500 bytes each."""

Request = tuple[bytes, bytes]
"""Head and body: a body is written as it lies in memory."""


def request_of(target: Target, call: Call) -> Request:
    """Write the head and give the body as it is. Raises ValueError where a header would break out of its line."""
    own, body = call.own, call.body
    lines = _lines(own.items(), len(own))
    beginning = _beginning(target.path, target.authority, call.common)
    return f"{beginning}content-length: {len(body)}\r\n{lines}\r\n".encode(), body


@lru_cache(_BEGINNINGS_KEPT)
def _beginning(path: str, authority: str, common: HeaderPairs) -> str:
    return f"POST {path} HTTP/1.1\r\nhost: {authority}\r\n{_lines(common, len(common))}"


def _lines(headers: Iterable[tuple[str, str]], count: int) -> str:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if lines.count("\n") != count or lines.count("\r") != count or "\0" in lines:
        raise ValueError("a header is one line")
    return lines
