"""GitHub: `X-Hub-Signature-256`, `sha256=` and the HMAC-SHA256 of the body in hex.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from typing import ClassVar, Final

from carewire_contracts.record import record
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signature import Encoding, decode, fitting_secret
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Challenge
from carewire_ingress.domain.start_key_source import StartKeySource

_HEADER: Final = "x-hub-signature-256"
_WHERE: Final = f"header {_HEADER}"


def check_hub_signature(call: SignedCall, secrets: tuple[bytes, ...]) -> int:
    """Check the header, which Meta sends as well. Raises Distrust."""
    signature = decode(call.text(_HEADER), Encoding.HEX, _WHERE, prefix="sha256=")
    return fitting_secret(secrets, call.body, [signature], _WHERE)


@record(repr=False)
class GitHub(Sender):
    """GitHub, its secrets as they were typed there.

    A new webhook is tried with a `ping`, which is answered and starts nothing:
    https://docs.github.com/en/webhooks/webhook-events-and-payloads#ping
    """

    secrets: tuple[bytes, ...]

    delivery: ClassVar[StartKeySource] = StartKeySource(header="x-github-delivery")

    def _check(self, call: SignedCall) -> int:
        return check_hub_signature(call, self.secrets)

    def _answer(self, call: SignedCall) -> Challenge | None:
        if call.values("x-github-event") != [b"ping"]:
            return None
        self._check(call)
        return Challenge(b"pong")
