"""HTTP calls to whatever a definition names: bounded in time and bytes, and never into our own network.

A name is looked up here and the connection goes to the very address that was checked, so a name that changes between
check and connect gains nothing. Connections are not kept: one that was checked for a name must serve no other.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Final

import httpx

from carewire_orchestrator.domain.api_requests import HttpRequest
from carewire_runtime.addresses import is_public

MOST_BYTES: Final = 1024 * 1024
"""Bytes of an answer: what data points are made of is small."""

_OURS: Final = frozenset(
    {"idempotency-key", "host", "content-length", "transfer-encoding", "connection", "accept-encoding"}
)
"""Headers that are ours, whatever the definition says: how a call is framed, and that it is the same one."""

_HEADERS: Final = (("user-agent", "Carewire"), ("accept", "application/json"), ("accept-encoding", "identity"))


class CallFailed(Exception):
    """Nobody answered in time, or not as HTTP has it. Trying again can help. It tells nothing of the call."""


class CallRefused(Exception):
    """It was not made, or its answer not read to the end: the same would happen again."""


@cache
def _trusted_authorities() -> ssl.SSLContext:
    """Those that httpx trusts; reading them takes longer than anything else that is made here."""
    return httpx.create_ssl_context(trust_env=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it came."""

    status: int
    body: bytes = field(repr=False)


class GuardedCalls:
    """Makes calls, each within `timeout_s` from looking its name up to the last byte of its answer."""

    def __init__(self, *, timeout_s: float, allow_http: bool, allow_private: bool) -> None:
        self._timeout_s = timeout_s
        self._schemes = ("https", "http") if allow_http else ("https",)
        limits = httpx.Limits(max_keepalive_connections=0, max_connections=None)
        transport: httpx.AsyncBaseTransport = httpx.AsyncHTTPTransport(
            verify=_trusted_authorities(), limits=limits, trust_env=False
        )
        self._client = httpx.AsyncClient(
            transport=transport if allow_private else _Guard(transport),
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
        )
        # What a server was told in one care flow it does not hear again in another.
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def call(self, request: HttpRequest) -> Answered:
        """Make a call; its idempotency key tells the server that a repeated one is the same. Raises as above."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._call(request)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError, UnicodeError, ValueError):
            raise CallRefused from None
        except (TimeoutError, httpx.HTTPError, OSError):
            raise CallFailed from None

    async def _call(self, request: HttpRequest) -> Answered:
        url = httpx.URL(request.url)
        if url.scheme not in self._schemes or not url.host or url.userinfo:
            raise CallRefused
        given = [(name, value) for name, value in request.headers if name.lower() not in _OURS]
        if request.body is not None and not any(name.lower() == "content-type" for name, _ in given):
            given.append(("content-type", "application/json"))
        headers = [*_without(_HEADERS, given), *given, ("idempotency-key", request.idempotency_key)]
        content = None if request.body is None else request.body.encode()
        async with self._client.stream(request.method, url, headers=headers, content=content) as answer:
            return Answered(answer.status_code, await _read(answer))


class _Guard(httpx.AsyncBaseTransport):
    """Connects to a public address of the name, or not at all."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises CallRefused where the name has no public address."""
        host = request.url.host
        address = await _public_address(host, request.url.port or _port(request.url.scheme))
        # The header Host, the name asked for by TLS and the name in the certificate stay those of the URL.
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._transport.aclose()


async def _public_address(host: str, port: int) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    public = [str(address[0]) for *_, address in found if is_public(str(address[0]))]
    if not public:
        raise CallRefused
    return public[0]


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _without(headers: Sequence[tuple[str, str]], given: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Those headers that are not given otherwise."""
    names = {name.lower() for name, _ in given}
    return ((name, value) for name, value in headers if name not in names)


async def _read(answer: httpx.Response) -> bytes:
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise CallRefused  # we asked for it plain, and a few bytes may stand for very many
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > MOST_BYTES:
            raise CallRefused
    return bytes(body)
