"""GitHub: `X-Hub-Signature-256`, `sha256=` and the HMAC-SHA256 of the body in hex.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from typing import ClassVar, Final

from carewire_contracts.record import record
from carewire_ingress.domain.senders.hmac_sender import HmacSignature, PublishedHmacSender
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Challenge
from carewire_ingress.domain.start_key_source import StartKeySource

HUB_SIGNATURE: Final = HmacSignature("x-hub-signature-256", prefix="sha256=")
"""Meta signs so as well."""


@record(repr=False)
class GitHub(PublishedHmacSender):
    """GitHub, its secrets as they were typed there.

    A new webhook is tried with a `ping`, which is answered and starts nothing:
    https://docs.github.com/en/webhooks/webhook-events-and-payloads#ping
    """

    signature: ClassVar[HmacSignature] = HUB_SIGNATURE
    delivery: ClassVar[StartKeySource] = StartKeySource(header="x-github-delivery")

    def _answer(self, call: SignedCall) -> Challenge | None:
        if call.values("x-github-event") != [b"ping"]:
            return None
        self._check(call)
        return Challenge(b"pong")
