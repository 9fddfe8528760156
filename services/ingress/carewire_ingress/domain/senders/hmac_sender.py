"""Any sender that signs with an HMAC: which header, which hash, how written, over what.

HMAC is RFC 2104; what is signed is a `SignedTemplate`.
"""

from carewire_contracts.record import record
from carewire_ingress.domain.senders.freshness import check_fresh
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signature import Algorithm, Encoding, decode, fitting_secret
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.signed_template import SignedTemplate


@record(repr=False)
class HmacSender(Sender):
    """A sender that is configured in full. `timestamps_per_second` is 1 or, for milliseconds, 1000."""

    secrets: tuple[bytes, ...]
    header: str
    template: SignedTemplate
    algorithm: Algorithm = Algorithm.SHA256
    encoding: Encoding = Encoding.HEX
    prefix: str = ""
    timestamp_header: str | None = None
    timestamps_per_second: int = 1

    def _check(self, call: SignedCall) -> int:
        where = f"header {self.header}"
        signature = decode(call.text(self.header), self.encoding, where, prefix=self.prefix)
        timestamp = ""
        if self.timestamp_header is not None:
            timestamp = call.text(self.timestamp_header)
            check_fresh(
                timestamp, call.received_at, f"header {self.timestamp_header}", per_second=self.timestamps_per_second
            )
        content = self.template.fill(call, timestamp.encode())
        return fitting_secret(self.secrets, content, [signature], where, self.algorithm)
