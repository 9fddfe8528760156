"""Standard Webhooks 1.0.0, symmetric signatures: `v1,` and a base64 HMAC-SHA256 of id, timestamp and body.

`webhook-id` is the event's id (`ce_id` on Kafka): the same at every retry and every resend, so a receiver
drops repeats by it, also where it reads the topic too. The timestamp is the attempt's.
"""

import base64
import hmac
from collections.abc import Sequence
from typing import Final

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  the prefix is public
SECRET_BYTES: Final = 32
"""The specification asks for 24 to 64 random bytes."""


def encode_secret(secret: bytes) -> str:
    """Write a signing secret in the form that receivers' libraries read: `whsec_` and base64."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


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
