"""SendGrid: `X-Twilio-Email-Event-Webhook-Signature`, ECDSA (P-256, SHA-256) over time and body, in base64.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import base64
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from carewire_contracts.record import record
from carewire_ingress.domain.senders.freshness import check_fresh
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signature import Encoding, decode
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Distrust, Doubt

_SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
_TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"
_WHERE: Final = f"header {_SIGNATURE}"


def read_verification_key(text: str) -> EllipticCurvePublicKey:
    """Read the verification key as SendGrid shows it: DER in base64. Raises ValueError."""
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("no public key in base64; copy the verification key as SendGrid shows it") from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("a verification key of SendGrid is an ECDSA key on P-256; copy it again")  # noqa: TRY004
    return key


@record(repr=False)
class SendGrid(Sender):
    """SendGrid, by its verification keys. It sends many events at once, so a call has no id of its own."""

    keys: tuple[EllipticCurvePublicKey, ...]

    def _check(self, call: SignedCall) -> int:
        timestamp = call.text(_TIMESTAMP)
        signature = decode(call.text(_SIGNATURE), Encoding.BASE64, _WHERE)
        check_fresh(timestamp, call.received_at, f"header {_TIMESTAMP}")
        for position, key in enumerate(self.keys):
            if _signed(key, timestamp.encode() + call.body, signature):
                return position
        raise Distrust(Doubt.MISMATCH, _WHERE)


def _signed(key: EllipticCurvePublicKey, content: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, content, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
