"""Dropbox: `X-Dropbox-Signature`, the HMAC-SHA256 of the body in hex.

https://www.dropbox.com/developers/reference/webhooks
"""

from typing import ClassVar

from carewire_contracts.record import record
from carewire_ingress.domain.senders.hmac_sender import HmacSignature, PublishedHmacSender
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Challenge


@record(repr=False)
class Dropbox(PublishedHmacSender):
    """Dropbox, its secrets being app secrets. An address is confirmed by a GET whose `challenge` is sent back."""

    signature: ClassVar[HmacSignature] = HmacSignature("x-dropbox-signature")

    def _answer(self, call: SignedCall) -> Challenge | None:
        challenge = call.parameter("challenge") if call.method == "GET" else None
        return None if challenge is None else Challenge(challenge.encode())
