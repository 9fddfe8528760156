"""The sender on aiohttp: what the delivery client has to be as good as, and cheaper than."""

import socket
import ssl
from collections.abc import Callable
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from carewire_dispatcher.adapters.sender import Call, CallTask, Carried, Over
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_runtime.addresses import is_address, is_public

CONNECT_TIMEOUT_S: Final = 3.0
BODY_MAX: Final = 16 * 1024
_KEEP_ALIVE_S: Final = 4.0
_NEVER_ROUND: Final = 86_400.0
"""aiohttp rounds deadlines above this up to whole seconds; a slot must not be held longer than promised."""

MayCall = Callable[[str], bool]


class AddressRefused(OSError):
    """No address of the name may be called."""


class GuardedResolver(AbstractResolver):
    """Resolves names to addresses that may be called; the connection goes to those very addresses."""

    def __init__(self, may_call: MayCall) -> None:
        self._resolver = ThreadedResolver()
        self._may_call = may_call

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses that may be called."""
        found = await self._resolver.resolve(host, port, family)
        allowed = [address for address in found if self._may_call(address["host"])]
        if not allowed:
            raise AddressRefused("the endpoint's name has no address that may be called")
        return allowed

    async def close(self) -> None:
        """Release the resolver."""
        await self._resolver.close()


class AiohttpSender:
    """Makes calls over kept-alive connections, without proxies, cookies, redirects or decompression."""

    def __init__(self, tls: ssl.SSLContext, *, allow_http: bool = False, may_call: MayCall = is_public) -> None:
        self._allow_http = allow_http
        self._may_call = may_call
        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=_KEEP_ALIVE_S, resolver=GuardedResolver(may_call), ssl=tls
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
        await self._session.close()

    async def send(self, call: Call) -> Answer | Failure:
        """Make the call; see the port."""
        url = URL(call.url)
        refused = self._refusal(url)
        if refused is not None:
            return refused
        timeout = aiohttp.ClientTimeout(
            total=call.timeout_s, connect=min(CONNECT_TIMEOUT_S, call.timeout_s), ceil_threshold=_NEVER_ROUND
        )
        try:
            async with self._session.post(
                url, data=call.body, headers=call.headers, allow_redirects=False, timeout=timeout
            ) as response:
                await _read_some(response)
                return Answer(response.status, response.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _failure(error)

    def begin(self, call: Call, over: Over) -> Carried:
        """Make the call; see the port."""
        return CallTask(self.send(call), over)

    def _refusal(self, url: URL) -> Failure | None:
        if url.scheme != "https" and not (self._allow_http and url.scheme == "http"):
            return Failure.INSECURE_URL
        host = url.host or ""
        return Failure.ADDRESS_REFUSED if is_address(host) and not self._may_call(host) else None


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
