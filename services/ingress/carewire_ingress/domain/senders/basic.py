"""HTTP Basic: user and password in `Authorization`.

https://www.rfc-editor.org/rfc/rfc7617
"""

from typing import Final

from carewire_contracts.record import record
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signature import Encoding, decode, equal_secret
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Distrust, Doubt

_HEADER: Final = "authorization"
_WHERE: Final = f"header {_HEADER}"


@record(repr=False)
class Basic(Sender):
    """A user, and passwords in UTF-8."""

    user: bytes
    passwords: tuple[bytes, ...]

    def _check(self, call: SignedCall) -> int:
        scheme, _, credentials = call.text(_HEADER).partition(" ")
        if scheme.lower() != "basic":
            raise Distrust(Doubt.UNREADABLE, _WHERE)
        expected = [b"%b:%b" % (self.user, password) for password in self.passwords]
        return equal_secret(expected, decode(credentials.strip(), Encoding.BASE64, _WHERE), _WHERE)
