"""Slack: `X-Slack-Signature`, `v0=` and the HMAC-SHA256 of `v0:time:body` in hex.

https://docs.slack.dev/authentication/verifying-requests-from-slack/
"""

from typing import ClassVar

import orjson

from carewire_contracts.json_path import JsonPath
from carewire_contracts.record import record
from carewire_ingress.domain.senders.hmac_sender import HmacSignature, PublishedHmacSender
from carewire_ingress.domain.senders.json_body import json_object
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.signed_template import SignedTemplate
from carewire_ingress.domain.senders.verdict import Challenge
from carewire_ingress.domain.start_key_source import StartKeySource


def v0_signature(header: str, timestamp_header: str) -> HmacSignature:
    """A signature of version 0, which Zoom makes as well and sends under names of its own."""
    template = SignedTemplate("v0:{timestamp}:{body}")
    return HmacSignature(header, template, prefix="v0=", timestamp_header=timestamp_header)


@record(repr=False)
class Slack(PublishedHmacSender):
    """Slack, its secrets being the app's signing secrets.

    Before it sends events, it has its `challenge` sent back:
    https://docs.slack.dev/reference/events/url_verification/
    """

    signature: ClassVar[HmacSignature] = v0_signature("x-slack-signature", "x-slack-request-timestamp")
    delivery: ClassVar[StartKeySource] = StartKeySource(path=JsonPath("$.event_id"))

    def _answer(self, call: SignedCall) -> Challenge | None:
        # Parsing is spared for nearly all calls.
        if b"url_verification" not in call.body:
            return None
        payload = json_object(call.body)
        challenge = payload.get("challenge")
        if payload.get("type") != "url_verification" or not isinstance(challenge, str):
            return None
        self._check(call)
        return Challenge(orjson.dumps({"challenge": challenge}), b"application/json")
