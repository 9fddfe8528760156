"""A sender that also has to call from certain addresses: a signature and ranges together."""

from collections.abc import Iterable
from typing import TypeVar

from carewire_contracts.record import record
from carewire_ingress.domain.senders.client_address import read_network
from carewire_ingress.domain.senders.ip_ranges import IpRanges
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Challenge, Distrust, Unverified, Verified


@record(repr=False)
class Restricted(Sender):
    """Both must hold, for handshakes too; whoever calls from elsewhere learns nothing of the signature."""

    ranges: IpRanges
    sender: Sender

    def _check(self, call: SignedCall) -> int:
        _believed(self.ranges.verify(call))
        return _believed(self.sender.verify(call)).secret

    def _answer(self, call: SignedCall) -> Challenge | None:
        answer = self.sender.handshake(call)
        if answer is None:
            return None
        _believed(self.ranges.verify(call))
        return _believed(answer)


Answer = TypeVar("Answer", Verified, Challenge)


def _believed(verdict: Answer | Unverified) -> Answer:
    if isinstance(verdict, Unverified):
        raise Distrust(verdict.doubt, verdict.where)
    return verdict


def restricted(sender: Sender | None, ranges: Iterable[str]) -> Sender | None:
    """The sender within address ranges in CIDR notation, if there are any. Raises ValueError for what is no range."""
    networks = tuple(read_network(text) for text in ranges)
    if not networks:
        return sender
    return IpRanges(networks) if sender is None else Restricted(IpRanges(networks), sender)
