"""Zoom: `x-zm-signature`, `v0=` and the HMAC-SHA256 of `v0:time:body` in hex.

https://developers.zoom.us/docs/api/webhooks/#verify-webhook-events
"""

import hmac
from typing import ClassVar

import orjson

from carewire_contracts.record import record
from carewire_ingress.domain.senders.hmac_sender import HmacSignature, PublishedHmacSender
from carewire_ingress.domain.senders.json_body import json_object
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.slack import v0_signature
from carewire_ingress.domain.senders.verdict import Challenge


@record(repr=False)
class Zoom(PublishedHmacSender):
    """Zoom, its secrets being the app's secret tokens.

    At first and every 72 hours it has a token hashed:
    https://developers.zoom.us/docs/api/webhooks/#validate-your-webhook-endpoint
    """

    signature: ClassVar[HmacSignature] = v0_signature("x-zm-signature", "x-zm-request-timestamp")

    def _answer(self, call: SignedCall) -> Challenge | None:
        # Parsing is spared for nearly all calls.
        if b"endpoint.url_validation" not in call.body:
            return None
        event = json_object(call.body)
        payload = event.get("payload")
        token = payload.get("plainToken") if isinstance(payload, dict) else None
        if event.get("event") != "endpoint.url_validation" or not isinstance(token, str):
            return None
        secret = self.secrets[self._check(call)]
        answer = {"plainToken": token, "encryptedToken": hmac.digest(secret, token.encode(), "sha256").hex()}
        return Challenge(orjson.dumps(answer), b"application/json")
