"""Stripe: `Stripe-Signature`, `t=` and one or more `v1=` (HMAC-SHA256 of time and body, in hex).

https://docs.stripe.com/webhooks#verify-manually
The secret's text is the key as it stands, `whsec_` included. Other versions are passed over, so that nobody can
choose a weaker one.
"""

from typing import ClassVar, Final

from carewire_contracts.json_path import JsonPath
from carewire_contracts.record import record
from carewire_ingress.domain.senders.freshness import check_fresh
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signature import MAX_SIGNATURES, Encoding, decode, fitting_secret
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Distrust, Doubt
from carewire_ingress.domain.start_key_source import StartKeySource

_HEADER: Final = "stripe-signature"
_WHERE: Final = f"header {_HEADER}"


@record(repr=False)
class Stripe(Sender):
    """Stripe, its secrets as its dashboard shows them (`whsec_...`)."""

    secrets: tuple[bytes, ...]

    delivery: ClassVar[StartKeySource] = StartKeySource(path=JsonPath("$.id"))

    def _check(self, call: SignedCall) -> int:
        elements = [element.strip().partition("=") for element in call.text(_HEADER).split(",")]
        times = [value for name, _, value in elements if name == "t"]
        given = [value for name, _, value in elements if name == "v1"]
        if len(times) != 1 or not given:
            raise Distrust(Doubt.UNREADABLE, _WHERE)
        if len(given) > MAX_SIGNATURES:
            raise Distrust(Doubt.TOO_LONG, _WHERE)
        check_fresh(times[0], call.received_at, _WHERE)
        content = b"%b.%b" % (times[0].encode(), call.body)
        return fitting_secret(self.secrets, content, [decode(one, Encoding.HEX, _WHERE) for one in given], _WHERE)
