"""Standard Webhooks 1.0.0: `webhook-signature` over id, timestamp and body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
The header lists signatures, separated by spaces: `v1,` HMAC-SHA256 and `v1a,` Ed25519, both in base64. Other
versions are passed over.
"""

import base64
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from carewire_contracts.record import record
from carewire_ingress.domain.senders.freshness import check_fresh
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signature import MAX_SIGNATURES, Encoding, decode, is_signed
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Distrust, Doubt

Key: TypeAlias = bytes | Ed25519PublicKey

_SECRET: Final = "whsec_"  # noqa: S105  the prefixes are public
_PUBLIC_KEY: Final = "whpk_"
_SECRET_KEY: Final = "whsk_"  # noqa: S105
_SHORTEST: Final = 24
_LONGEST: Final = 64
_SYMMETRIC: Final = "v1"
_ASYMMETRIC: Final = "v1a"
_SIGNATURE: Final = "webhook-signature"
_WHERE: Final = f"header {_SIGNATURE}"


def read_key(text: str) -> Key:
    """Read `whsec_` (or nothing) and a secret, or `whpk_` and a public key, in base64. Raises ValueError."""
    if text.startswith(_SECRET_KEY):
        raise ValueError("whsk_ begins the sender's own secret key; ask the sender for the public one (whpk_)")
    digits = text.removeprefix(_PUBLIC_KEY).removeprefix(_SECRET)
    try:
        # Some senders leave out the padding; the official libraries don't mind either.
        key = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except ValueError:
        raise ValueError("not in base64; copy it as the sender shows it, with whsec_ or whpk_ in front") from None
    if text.startswith(_PUBLIC_KEY):
        return _public_key(key)
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise ValueError(f"a secret has {_SHORTEST} to {_LONGEST} bytes; let the sender make a new one")
    return key


def _public_key(key: bytes) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(key)
    except ValueError:
        raise ValueError("an Ed25519 public key has 32 bytes; copy it again from the sender") from None


@record(repr=False)
class StandardWebhooks(Sender):
    """A sender that follows Standard Webhooks; its delivery id is `webhook-id`."""

    keys: tuple[Key, ...]

    def _check(self, call: SignedCall) -> int:
        timestamp = call.text("webhook-timestamp")
        check_fresh(timestamp, call.received_at, "header webhook-timestamp")
        content = b"%b.%b.%b" % (call.header("webhook-id"), timestamp.encode(), call.body)
        given = call.text(_SIGNATURE).split()
        if len(given) > MAX_SIGNATURES:
            raise Distrust(Doubt.TOO_LONG, _WHERE)
        symmetric, asymmetric = _of_version(given, _SYMMETRIC), _of_version(given, _ASYMMETRIC)
        if not symmetric and not asymmetric:
            raise Distrust(Doubt.UNREADABLE, _WHERE)
        for position, key in enumerate(self.keys):
            if _fits(key, content, symmetric, asymmetric):
                return position
        raise Distrust(Doubt.MISMATCH, _WHERE)


def _of_version(given: list[str], version: str) -> list[bytes]:
    prefix = f"{version},"
    return [decode(one, Encoding.BASE64, _WHERE, prefix=prefix) for one in given if one.startswith(prefix)]


def _fits(key: Key, content: bytes, symmetric: list[bytes], asymmetric: list[bytes]) -> bool:
    if isinstance(key, Ed25519PublicKey):
        return any(_signed(key, content, signature) for signature in asymmetric)
    return is_signed(key, content, symmetric)


def _signed(key: Ed25519PublicKey, content: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True
