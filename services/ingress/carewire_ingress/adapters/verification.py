"""Who calls: an HTTP request as its sender signed it, shown to the sender's scheme."""

import math
from collections.abc import Sequence
from typing import Final

from carewire_ingress.domain.senders.client_address import Address, Network, client_address, read_address
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.verdict import Challenge, Unverified, Verified
from carewire_runtime.clock import Clock
from carewire_runtime.http.exchange import Exchange

_READ_EVERY_S: Final = 1.0


class Verification:
    """Verifies senders, who reach us by `public_url`.

    `proxies` are the networks of our own proxies: their X-Forwarded-For is believed, and nobody else's.
    """

    def __init__(self, public_url: str, proxies: Sequence[Network], clock: Clock) -> None:
        self._public_url = public_url.rstrip("/").encode()
        self._proxies = tuple(proxies)
        self._clock = clock
        self._read_at = -math.inf
        self._wall = 0.0

    def of(self, sender: Sender, exchange: Exchange, *, is_call: bool) -> Challenge | Unverified | Verified:
        """What the sender's scheme says of a request. What is no call of a webhook can be a handshake alone.

        A request that is neither is believed here: it starts nothing, and is refused for being none.
        """
        call = self.signed_call(exchange)
        return sender.handshake(call) or (sender.verify(call) if is_call else Verified())

    def signed_call(self, exchange: Exchange) -> SignedCall:
        """The request in its sender's words, its time by our clock."""
        url, query = self._public_url + exchange.raw_path, exchange.query
        if query:
            url = b"%b?%b" % (url, query)
        return SignedCall(exchange.method, url, exchange.headers, exchange.body, self._time(), self._client(exchange))

    def _client(self, exchange: Exchange) -> Address | None:
        if not self._proxies:
            return read_address(exchange.peer or "")
        # Looked for only where somebody is believed who may have written it.
        forwarded = [value for name, value in exchange.headers if name == b"x-forwarded-for"]
        return client_address(exchange.peer, forwarded, self._proxies)

    def _time(self) -> float:
        """Our wall clock in seconds since 1970, read once a second: signatures are fresh for minutes."""
        now = self._clock.monotonic()
        if now - self._read_at >= _READ_EVERY_S:
            self._read_at, self._wall = now, self._clock.now().timestamp()
        return self._wall
