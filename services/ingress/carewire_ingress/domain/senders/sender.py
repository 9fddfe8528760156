"""What every sender can do: prove itself, and perhaps ask for a handshake first."""

from abc import ABC, abstractmethod
from typing import ClassVar

from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Challenge, Distrust, Unverified, Verified
from carewire_ingress.domain.start_key_source import StartKeySource


class Sender(ABC):
    """A sender with its secrets, the newest first. Each subclass is one published scheme."""

    __slots__ = ()

    delivery: ClassVar[StartKeySource] = StartKeySource()
    """Where this sender puts the id of a delivery, the same at each repeat. Where it does so by `webhook-id`, or
    publishes none, it is empty."""

    def verify(self, call: SignedCall) -> Verified | Unverified:
        """Whether the call comes from this sender. Never raises."""
        try:
            return Verified(self._check(call))
        except Distrust as distrust:
            return distrust.verdict

    def handshake(self, call: SignedCall) -> Challenge | Unverified | None:
        """The answer to a sender that asks whether this address is ours; None where the call is no handshake.

        Whatever is no POST can be nothing but a handshake. Never raises.
        """
        try:
            return self._answer(call)
        except Distrust as distrust:
            return distrust.verdict

    @abstractmethod
    def _check(self, call: SignedCall) -> int:
        """The position of the secret that fits. Raises Distrust."""

    def _answer(self, call: SignedCall) -> Challenge | None:  # noqa: ARG002 (most senders ask nothing)
        """The answer to a handshake. Raises Distrust."""
        return None
