"""The sender on aiohttp."""

from typing import Final

import aiohttp
from yarl import URL

from carewire_dispatcher.adapters.guarded_resolver import AddressRefused, GuardedResolver
from carewire_dispatcher.adapters.sender import Call
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_runtime.addresses import is_address, is_public

CONNECT_TIMEOUT_S: Final = 3.0
BODY_MAX: Final = 16 * 1024
"""Bytes of an answer's body that are read, so that its connection can be used again."""

_KEEP_ALIVE_S: Final = 4.0
"""Below the 5 s after which Node's server closes an idle connection, so that we don't write into its closing."""

_NEVER_ROUND: Final = 86_400.0
"""aiohttp rounds deadlines above this up to whole seconds; a slot must not be held longer than promised."""


class AiohttpSender:
    """Makes calls over kept-alive connections, without proxies, cookies, redirects or decompression."""

    def __init__(self, *, allow_http: bool = False, allow_private: bool = False) -> None:
        self._allow_http = allow_http
        self._allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}

    async def start(self) -> None:
        """Open the connection pool."""
        connector = aiohttp.TCPConnector(
            limit=0,  # the worker bounds what is in flight, by endpoint and in all
            keepalive_timeout=_KEEP_ALIVE_S,
            resolver=None if self._allow_private else GuardedResolver(),
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding", "Accept"),
        )

    async def stop(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, call: Call) -> Answer | Failure:
        """Make the call; see the port."""
        if self._session is None:
            raise RuntimeError("the sender is not started")
        url = URL(call.url)
        refused = self._refusal(url)
        if refused is not None:
            return refused
        try:
            async with self._session.post(
                url,
                data=call.body,
                headers=call.headers,
                allow_redirects=False,
                timeout=self._timeout(call.timeout_s),
            ) as response:
                await _read_some(response)
                return Answer(response.status, response.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _failure(error)

    def _refusal(self, url: URL) -> Failure | None:
        if url.scheme != "https" and not (self._allow_http and url.scheme == "http"):
            return Failure.INSECURE_URL
        host = url.host or ""
        if not self._allow_private and is_address(host) and not is_public(host):
            return Failure.ADDRESS_REFUSED
        return None

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        timeout = self._timeouts.get(seconds)
        if timeout is None:
            timeout = aiohttp.ClientTimeout(
                total=seconds, connect=min(CONNECT_TIMEOUT_S, seconds), ceil_threshold=_NEVER_ROUND
            )
            self._timeouts[seconds] = timeout
        return timeout


async def _read_some(response: aiohttp.ClientResponse) -> None:
    """Read the body to its end, so that the connection can be kept; close it where that takes too much."""
    left = BODY_MAX
    try:
        while left > 0:
            chunk = await response.content.read(left)
            if not chunk:
                return
            left -= len(chunk)
    except (aiohttp.ClientError, TimeoutError, OSError):
        pass
    response.close()


def _failure(error: Exception) -> Failure:
    """Name what went wrong. The driver's text is left behind: it holds the endpoint's URL."""
    if isinstance(error, TimeoutError):
        return Failure.TIMEOUT
    if isinstance(error, aiohttp.InvalidURL):
        return Failure.ADDRESS_REFUSED
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Failure.ADDRESS_REFUSED if isinstance(error.os_error, AddressRefused) else Failure.DNS
    if isinstance(error, aiohttp.ClientSSLError):
        return Failure.TLS
    if isinstance(error, aiohttp.ClientConnectorError):
        return Failure.CONNECT
    if isinstance(error, aiohttp.ServerDisconnectedError | OSError):
        return Failure.DISCONNECTED
    return Failure.PROTOCOL
