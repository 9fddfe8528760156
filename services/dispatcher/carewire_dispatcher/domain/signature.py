"""Standard Webhooks 1.0.0, symmetric signatures: `v1,` and a base64 HMAC-SHA256 of id, timestamp and body.

`webhook-id` is the event's id (`ce_id` on Kafka): the same at every retry and every resend, so a receiver
drops repeats by it, also where it reads the topic too. The timestamp is the attempt's.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from typing import Final

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  the prefix is public
SECRET_BYTES: Final = 32
"""The specification asks for 24 to 64 random bytes."""

_SHORTEST: Final = 24
_LONGEST: Final = 64


def encode_secret(secret: bytes) -> str:
    """Write a signing secret in the form that receivers' libraries read: `whsec_` and base64."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def decode_secret(text: str) -> bytes:
    """Read `whsec_...`. Raises ValueError, without the value, where it is no secret of 24 to 64 bytes."""
    try:
        secret = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a signing secret is whsec_ followed by base64") from None
    if not text.startswith(SECRET_PREFIX) or not _SHORTEST <= len(secret) <= _LONGEST:
        raise ValueError(f"a signing secret is whsec_ followed by {_SHORTEST} to {_LONGEST} bytes in base64")
    return secret


def sign(secrets: Sequence[bytes], webhook_id: str, timestamp_s: int, body: bytes) -> str:
    """Write the `webhook-signature` header: one signature for each secret, separated by spaces."""
    content = f"{webhook_id}.{timestamp_s}.".encode() + body
    return " ".join(f"v1,{_hmac(secret, content)}" for secret in secrets)


def signed_headers(secrets: Sequence[bytes], webhook_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Write the three headers of Standard Webhooks."""
    return {
        ID_HEADER: webhook_id,
        TIMESTAMP_HEADER: str(timestamp_s),
        SIGNATURE_HEADER: sign(secrets, webhook_id, timestamp_s, body),
    }


def _hmac(secret: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(secret, content, "sha256")).decode()
