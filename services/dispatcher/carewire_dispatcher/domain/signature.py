"""How a call is signed: Standard Webhooks 1.0.0 (`v1` and `v1a`), and the RSA signature of the reference.

`webhook-id` is the event's id (`ce_id` on Kafka): the same at every retry and every resend, so a receiver
drops repeats by it, also where it reads the topic too. The timestamp is the attempt's. `v1` is an HMAC-SHA256, `v1a`
an ed25519 signature, both of id, timestamp and body, and all of them stand in one header. The RSA signature has its
own header and covers the body alone (reference, section 2.2), so it says nothing of when a call was made.
"""

import base64
import hashlib
from binascii import b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from carewire_dispatcher.domain.key_pairs import sign_ed25519, sign_rsa

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
RSA_SIGNATURE_HEADER: Final = "x-awell-signature"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  the prefix is public
SECRET_BYTES: Final = 32
"""The specification asks for 24 to 64 random bytes."""
_SECRETS_KEPT: Final = 10_000
"""Secrets whose half of the reckoning is kept, at some 500 bytes each."""
_BLOCK: Final = 64
"""Bytes of a block of SHA-256."""


def encode_secret(secret: bytes) -> str:
    """Write a signing secret in the form that receivers' libraries read: `whsec_` and base64."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def sign(
    secrets: Iterable[bytes], webhook_id: str, timestamp_s: int, body: bytes, ed25519_keys: Iterable[bytes] = ()
) -> str:
    """Write the `webhook-signature` header: a signature for each secret and each key, separated by spaces."""
    content = f"{webhook_id}.{timestamp_s}.".encode() + body
    signatures = ["v1," + _base64(_hmac(secret, content)) for secret in secrets]
    signatures += ["v1a," + _base64(sign_ed25519(key, content)) for key in ed25519_keys]
    return " ".join(signatures)


def signed_headers(
    secrets: Iterable[bytes],
    webhook_id: str,
    timestamp_s: int,
    body: bytes,
    *,
    ed25519_keys: Iterable[bytes] = (),
    rsa_key: bytes | None = None,
) -> dict[str, str]:
    """Write the headers that tell of a call: its id, its moment, and a signature for each secret and key."""
    headers = {ID_HEADER: webhook_id, TIMESTAMP_HEADER: str(timestamp_s)}
    signature = sign(secrets, webhook_id, timestamp_s, body, ed25519_keys)
    if signature:
        headers[SIGNATURE_HEADER] = signature
    if rsa_key is not None:
        headers[RSA_SIGNATURE_HEADER] = _base64(sign_rsa(rsa_key, body))
    return headers


def _base64(signature: bytes) -> str:
    return b2a_base64(signature, newline=False).decode()


def _hmac(secret: bytes, content: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104). The standard library works the secret in each time, which takes as long as the rest."""
    begun_inner, begun_outer = _begun(secret)
    inner, outer = begun_inner.copy(), begun_outer.copy()
    inner.update(content)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(_SECRETS_KEPT)
def _begun(secret: bytes) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """The inner and the outer hash with the secret worked in."""
    key = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in key)), hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
