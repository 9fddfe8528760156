"""Senders that sign with an HMAC: which header, which hash, how written, over what.

HMAC is RFC 2104; what is signed is a `SignedTemplate`. How a sender signs is data: staff configure it for any sender,
and a published scheme has it fixed.
"""

from typing import ClassVar

from carewire_contracts.record import record
from carewire_ingress.domain.senders.freshness import check_fresh
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signature import Algorithm, Encoding, decode, fitting_secret
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.signed_template import SignedTemplate


@record()
class HmacSignature:
    """How a sender signs, without its secrets. `timestamps_per_second` is 1 or, for milliseconds, 1000."""

    header: str
    template: SignedTemplate = SignedTemplate("{body}")
    algorithm: Algorithm = Algorithm.SHA256
    encoding: Encoding = Encoding.HEX
    prefix: str = ""
    timestamp_header: str | None = None
    timestamps_per_second: int = 1

    def check(self, call: SignedCall, secrets: tuple[bytes, ...]) -> int:
        """The position of the secret with which the call was signed. Raises Distrust."""
        timestamp = self._timestamp(call)
        where = f"header {self.header}"
        signature = decode(call.text(self.header), self.encoding, where, prefix=self.prefix)
        return fitting_secret(secrets, self.template.fill(call, timestamp), [signature], where, self.algorithm)

    def _timestamp(self, call: SignedCall) -> bytes:
        if self.timestamp_header is None:
            return b""
        timestamp = call.text(self.timestamp_header)
        where = f"header {self.timestamp_header}"
        check_fresh(timestamp, call.received_at, where, per_second=self.timestamps_per_second)
        return timestamp.encode()


@record(repr=False)
class HmacSender(Sender):
    """A sender that is configured in full."""

    secrets: tuple[bytes, ...]
    signature: HmacSignature

    def _check(self, call: SignedCall) -> int:
        return self.signature.check(call, self.secrets)


@record(repr=False)
class PublishedHmacSender(Sender):
    """A sender whose published scheme says how it signs."""

    secrets: tuple[bytes, ...]

    signature: ClassVar[HmacSignature]

    def _check(self, call: SignedCall) -> int:
        return self.signature.check(call, self.secrets)
