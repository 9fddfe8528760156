"""Slack: `X-Slack-Signature`, `v0=` and the HMAC-SHA256 of `v0:time:body` in hex.

https://docs.slack.dev/authentication/verifying-requests-from-slack/
"""

from typing import ClassVar

import orjson

from carewire_contracts.record import record
from carewire_ingress.domain.json_path import JsonPath
from carewire_ingress.domain.senders.freshness import check_fresh
from carewire_ingress.domain.senders.json_body import json_object
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signature import Encoding, decode, fitting_secret
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Challenge
from carewire_ingress.domain.start_key_source import StartKeySource


def check_v0_signature(
    call: SignedCall, secrets: tuple[bytes, ...], *, signature_header: str, timestamp_header: str
) -> int:
    """Check a signature of version 0, which Zoom sends as well under names of its own. Raises Distrust."""
    timestamp = call.text(timestamp_header)
    where = f"header {signature_header}"
    signature = decode(call.text(signature_header), Encoding.HEX, where, prefix="v0=")
    check_fresh(timestamp, call.received_at, f"header {timestamp_header}")
    return fitting_secret(secrets, b"v0:%b:%b" % (timestamp.encode(), call.body), [signature], where)


@record(repr=False)
class Slack(Sender):
    """Slack, its secrets being the app's signing secrets.

    Before it sends events, it has its `challenge` sent back:
    https://docs.slack.dev/reference/events/url_verification/
    """

    secrets: tuple[bytes, ...]

    delivery: ClassVar[StartKeySource] = StartKeySource(path=JsonPath("$.event_id"))

    def _check(self, call: SignedCall) -> int:
        return check_v0_signature(
            call,
            self.secrets,
            signature_header="x-slack-signature",
            timestamp_header="x-slack-request-timestamp",
        )

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
