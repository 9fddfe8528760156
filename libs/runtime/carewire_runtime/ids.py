"""Ids. Where something is born it gets a uuid7; ids that must come out the same again are derived.

Ids that are derived from our own ids are uuid5. Ids that are derived from a sender's value are keyed (uuid8,
RFC 9562 section 5.8), or a medical record number could be found by trying all of them.
"""

import hashlib
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import uuid_utils

NAMESPACE: Final = uuid.UUID("6f1c39a6-52a5-5c0e-9c53-3f6f0a3f8d11")
"""The namespace of all our uuid5 ids. It must never change: repeats are recognised by it."""

_NAMESPACE: Final = uuid_utils.UUID(bytes=NAMESPACE.bytes)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_BLOCK: Final = 64
"""Bytes of a block of SHA-256."""
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 0b11] for digit in "0123456789abcdef"}
"""A hexadecimal digit with the two bits of the variant (RFC 9562 section 4.1) set above its own lower two."""


def new_id() -> str:
    """Return a new uuid7: unique, and ordered by the time of its birth."""
    return str(uuid_utils.uuid7())


def earliest_id(moment: datetime) -> str:
    """Return the least id that `new_id` can give at a moment, by which a range of time is a range of ids.

    A uuid7 begins with the milliseconds since 1970 (RFC 9562, section 5.7).
    """
    return str(uuid.UUID(int=max(0, (moment - _EPOCH) // _MILLISECOND) << 80))


def born_at(uuid7: str) -> datetime:
    """Return the moment at which `new_id` gave an id, to the millisecond."""
    return _EPOCH + (uuid.UUID(uuid7).int >> 80) * _MILLISECOND


def derived_id(*parts: str) -> str:
    """Return the id that always belongs to these parts, which must be our own ids or fixed words."""
    # Not by the standard library: a start derives a dozen ids, and that takes six times as long.
    return str(uuid_utils.uuid5(_NAMESPACE, _written(*parts[:-1]) + _written(*parts[-1:])))


@lru_cache(maxsize=4_096)
def _written(*parts: str) -> str:
    """Parts as they are hashed. The ids of one care flow's events share all but the last, which is a small number."""
    return _joined([part.encode() for part in parts]).hex()


def keyed_id(salt: bytes, *parts: bytes) -> str:
    """Return the id that belongs to a sender's values under a secret salt (HMAC-SHA256, cut to a uuid8)."""
    prepared = _keyed(salt)
    inner, outer = prepared[0].copy(), prepared[1].copy()
    inner.update(_joined(parts))
    outer.update(inner.digest())
    return _text(outer.digest(), "8")


def _text(digest: bytes, version: str) -> str:
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{version}{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


@lru_cache(maxsize=4_096)
def _keyed(salt: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """The inner and the outer hash of HMAC-SHA256 (RFC 2104) with the key worked in, which is most of the work."""
    key = (hashlib.sha256(salt).digest() if len(salt) > _BLOCK else salt).ljust(_BLOCK, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in key)), hashlib.sha256(bytes(byte ^ 0x5C for byte in key))


def _joined(parts: Iterable[bytes]) -> bytes:
    # Lengths stand before the parts, so that ("ab", "c") and ("a", "bc") differ.
    return b"".join([len(part).to_bytes(4, "big") + part for part in parts])
