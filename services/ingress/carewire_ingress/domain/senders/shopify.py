"""Shopify: `X-Shopify-Hmac-Sha256`, the HMAC-SHA256 of the body in base64.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
"""

from typing import ClassVar, Final

from carewire_contracts.record import record
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signature import Encoding, decode, fitting_secret
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.start_key_source import StartKeySource

_HEADER: Final = "x-shopify-hmac-sha256"
_WHERE: Final = f"header {_HEADER}"


@record(repr=False)
class Shopify(Sender):
    """Shopify, its secrets being the app's client secrets."""

    secrets: tuple[bytes, ...]

    delivery: ClassVar[StartKeySource] = StartKeySource(header="x-shopify-webhook-id")

    def _check(self, call: SignedCall) -> int:
        signature = decode(call.text(_HEADER), Encoding.BASE64, _WHERE)
        return fitting_secret(self.secrets, call.body, [signature], _WHERE)
