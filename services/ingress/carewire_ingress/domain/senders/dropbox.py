"""Dropbox: `X-Dropbox-Signature`, the HMAC-SHA256 of the body in hex.

https://www.dropbox.com/developers/reference/webhooks
"""

from typing import Final

from carewire_contracts.record import record
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signature import Encoding, decode, fitting_secret
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Challenge

_HEADER: Final = "x-dropbox-signature"
_WHERE: Final = f"header {_HEADER}"


@record(repr=False)
class Dropbox(Sender):
    """Dropbox, its secrets being app secrets. An address is confirmed by a GET whose `challenge` is sent back."""

    secrets: tuple[bytes, ...]

    def _check(self, call: SignedCall) -> int:
        signature = decode(call.text(_HEADER), Encoding.HEX, _WHERE)
        return fitting_secret(self.secrets, call.body, [signature], _WHERE)

    def _answer(self, call: SignedCall) -> Challenge | None:
        challenge = call.parameter("challenge") if call.method == "GET" else None
        return None if challenge is None else Challenge(challenge.encode())
