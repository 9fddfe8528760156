"""An HTTP call as its sender signed it: raw bytes, nothing decoded, nothing merged."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

from carewire_contracts.record import record
from carewire_ingress.domain.senders.client_address import Address
from carewire_ingress.domain.senders.verdict import Distrust, Doubt

MAX_VALUE_LENGTH: Final = 4_096
"""Bytes of a header or a parameter that is looked at; signatures during a rotation have some 500."""
_MAX_PARAMETERS: Final = 100


@record(repr=False)
class SignedCall:
    """A call. `url` is the whole address as the sender wrote it, in front of any proxy, its query included.

    `headers` are all pairs as they came, repeated ones too; names count in any case. `received_at` is our clock in
    seconds since 1970, `client` the sender's address as far as it is known (`client_address`).
    """

    method: str
    url: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    received_at: float
    client: Address | None = None

    def values(self, name: str) -> list[bytes]:
        """All values of a header, in their order."""
        wanted = name.lower().encode()
        size = len(wanted)
        return [value for key, value in self.headers if len(key) == size and key.lower() == wanted]

    def header(self, name: str) -> bytes:
        """The value of a header that stands there once. Raises Distrust."""
        return _only(self.values(name), "header", name).strip(b" \t")

    def text(self, name: str) -> str:
        """The value of a header in ASCII. Raises Distrust."""
        value = self.header(name)
        if not value.isascii():
            raise Distrust(Doubt.UNREADABLE, f"header {name}")
        return value.decode("ascii")

    def parameter(self, name: str) -> str | None:
        """The value of a query parameter, decoded; None where the query lacks it. Raises Distrust."""
        where = f"query parameter {name}"
        query = self.url.partition(b"?")[2].partition(b"#")[0]
        if name.encode() not in query:
            return None
        try:
            pairs = parse_qsl(
                query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS
            )
        except ValueError:
            raise Distrust(Doubt.UNREADABLE, where) from None
        values = [value.encode() for key, value in pairs if key == name]
        return _only(values, "query parameter", name).decode() if values else None


def _only(values: Sequence[bytes], kind: str, name: str) -> bytes:
    if len(values) != 1:
        raise Distrust(Doubt.REPEATED if values else Doubt.MISSING, f"{kind} {name}")
    value = values[0]
    if not value.strip():
        raise Distrust(Doubt.EMPTY, f"{kind} {name}")
    if len(value) > MAX_VALUE_LENGTH:
        raise Distrust(Doubt.TOO_LONG, f"{kind} {name}")
    return value
