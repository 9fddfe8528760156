"""Who calls: an HTTP request as its sender signed it, shown to the sender's scheme."""

import math
from collections.abc import Sequence
from typing import Final

from carewire_ingress.domain.senders.client_address import Network, client_address
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
        headers = exchange.headers
        # Looked for only where somebody is believed who may have written it.
        forwarded = [value for name, value in headers if name == b"x-forwarded-for"] if self._proxies else ()
        client = client_address(exchange.peer, forwarded, self._proxies)
        return SignedCall(exchange.method, self._url(exchange), headers, exchange.body, self._time(), client)

    def _time(self) -> float:
        """Our wall clock in seconds since 1970, read once a second: signatures are fresh for minutes."""
        now = self._clock.monotonic()
        if now - self._read_at >= _READ_EVERY_S:
            self._read_at, self._wall = now, self._clock.now().timestamp()
        return self._wall

    def _url(self, exchange: Exchange) -> bytes:
        path, query = exchange.raw_path, exchange.query
        return b"%b%b?%b" % (self._public_url, path, query) if query else self._public_url + path
