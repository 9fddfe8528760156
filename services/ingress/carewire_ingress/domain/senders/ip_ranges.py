"""Senders that are known by where they call from alone."""

from carewire_contracts.record import record
from carewire_ingress.domain.senders.client_address import Network, within
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Distrust, Doubt


@record(repr=False)
class IpRanges(Sender):
    """The ranges that a client's address may lie in."""

    networks: tuple[Network, ...]

    def _check(self, call: SignedCall) -> int:
        if call.client is None:
            raise Distrust(Doubt.MISSING, "client address")
        if not within(call.client, self.networks):
            raise Distrust(Doubt.OUTSIDE, "client address")
        return 0
