"""Meta (WhatsApp, Messenger, Instagram, Facebook): `X-Hub-Signature-256`, as GitHub writes it.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started#event-notifications
"""

from typing import ClassVar

from carewire_contracts.record import record
from carewire_ingress.domain.senders.github import HUB_SIGNATURE
from carewire_ingress.domain.senders.hmac_sender import HmacSignature, PublishedHmacSender
from carewire_ingress.domain.senders.signature import equal_secret
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Challenge, Distrust, Doubt


@record(repr=False)
class Meta(PublishedHmacSender):
    """Meta, its secrets being app secrets, and the verify token that was typed into the app's dashboard.

    An address is confirmed by a GET with that token:
    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests
    """

    verify_token: bytes

    signature: ClassVar[HmacSignature] = HUB_SIGNATURE

    def _answer(self, call: SignedCall) -> Challenge | None:
        if call.method != "GET" or call.parameter("hub.mode") != "subscribe":
            return None
        token, challenge = call.parameter("hub.verify_token"), call.parameter("hub.challenge")
        if token is None or challenge is None:
            raise Distrust(Doubt.MISSING, f"query parameter hub.{'verify_token' if token is None else 'challenge'}")
        equal_secret((self.verify_token,), token.encode(), "query parameter hub.verify_token")
        return Challenge(challenge.encode())
