"""HMAC signatures: read from text, and compared in constant time with those of every configured secret."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache, partial
from typing import Final

from carewire_ingress.domain.senders.verdict import Distrust, Doubt

MAX_SIGNATURES: Final = 8
"""Signatures of one call: one for each secret of the sender, of which a rotation has two or three. Each one costs
a comparison, or 0.1 ms where it is asymmetric."""


class Algorithm(StrEnum):
    """The hash inside an HMAC."""

    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"


class Encoding(StrEnum):
    """How the bytes of a signature are written."""

    HEX = "hex"
    BASE64 = "base64"
    BASE64URL = "base64url"


_FROM_BASE64URL: Final = str.maketrans("-_+/", "+/**")
"""The other alphabet, in which an asterisk is no letter, so that `+` and `/` are refused."""


def _base64url(text: str) -> bytes:
    # Padding is usually left out (RFC 4648, section 3.2).
    digits = text.rstrip("=").translate(_FROM_BASE64URL)
    return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)


_DECODERS: Final[dict[Encoding, Callable[[str], bytes]]] = {
    Encoding.HEX: binascii.unhexlify,
    Encoding.BASE64: lambda text: base64.b64decode(text, validate=True),
    Encoding.BASE64URL: _base64url,
}


def decode(text: str, encoding: Encoding, where: str, *, prefix: str = "") -> bytes:
    """Read a signature that follows a prefix. Raises Distrust."""
    if not text.startswith(prefix):
        raise Distrust(Doubt.UNREADABLE, where)
    try:
        return _DECODERS[encoding](text.removeprefix(prefix))
    except ValueError:
        raise Distrust(Doubt.UNREADABLE, where) from None


def fitting_secret(
    secrets: Sequence[bytes],
    content: bytes,
    signatures: Sequence[bytes],
    where: str,
    algorithm: Algorithm = Algorithm.SHA256,
) -> int:
    """The position of the secret with which any of the signatures was made. Raises Distrust."""
    for position, secret in enumerate(secrets):
        if is_signed(secret, content, signatures, algorithm):
            return position
    raise Distrust(Doubt.MISMATCH, where)


def is_signed(
    secret: bytes, content: bytes, signatures: Sequence[bytes], algorithm: Algorithm = Algorithm.SHA256
) -> bool:
    """Whether any of the signatures was made with this secret."""
    keyed_inside, keyed_outside = _keyed(secret, algorithm)
    inner, outer = keyed_inside.copy(), keyed_outside.copy()
    inner.update(content)
    outer.update(inner.digest())
    return any(map(partial(hmac.compare_digest, outer.digest()), signatures))


@lru_cache(maxsize=1_024)
def _keyed(secret: bytes, algorithm: Algorithm) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """The inner and the outer hash of HMAC (RFC 2104) with the key worked in, to be copied.

    To work it in takes as long as a short body does, and a copy of the library's own object twice as long as these.
    """
    made = partial(hashlib.new, algorithm.value)
    size = made().block_size
    key = (made(secret).digest() if len(secret) > size else secret).ljust(size, b"\0")
    return made(bytes(byte ^ 0x36 for byte in key)), made(bytes(byte ^ 0x5C for byte in key))


def equal_secret(secrets: Sequence[bytes], given: bytes, where: str) -> int:
    """The position of the secret that was sent itself. Raises Distrust."""
    for position, secret in enumerate(secrets):
        if hmac.compare_digest(secret, given):
            return position
    raise Distrust(Doubt.MISMATCH, where)
