"""A key that is sent itself, in a header, perhaps after a word such as `Bearer `."""

from carewire_contracts.record import record
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signature import equal_secret
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Distrust, Doubt


@record(repr=False)
class ApiKey(Sender):
    """The header, what stands in front of the key, and the keys."""

    keys: tuple[bytes, ...]
    header: str
    prefix: bytes = b""

    def _check(self, call: SignedCall) -> int:
        value = call.header(self.header)
        if not value.startswith(self.prefix):
            raise Distrust(Doubt.UNREADABLE, f"header {self.header}")
        return equal_secret(self.keys, value.removeprefix(self.prefix), f"header {self.header}")
