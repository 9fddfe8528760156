"""Shopify: `X-Shopify-Hmac-Sha256`, the HMAC-SHA256 of the body in base64.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
"""

from typing import ClassVar

from carewire_contracts.record import record
from carewire_ingress.domain.senders.hmac_sender import HmacSignature, PublishedHmacSender
from carewire_ingress.domain.senders.signature import Encoding
from carewire_ingress.domain.start_key_source import StartKeySource


@record(repr=False)
class Shopify(PublishedHmacSender):
    """Shopify, its secrets being the app's client secrets."""

    signature: ClassVar[HmacSignature] = HmacSignature("x-shopify-hmac-sha256", encoding=Encoding.BASE64)
    delivery: ClassVar[StartKeySource] = StartKeySource(header="x-shopify-webhook-id")
