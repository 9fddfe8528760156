"""An endpoint's URL, taken apart into what a connection and a request need."""

import re
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

import idna

from carewire_contracts.record import record
from carewire_dispatcher.domain.addresses import is_address

_PORTS: Final = {"https": 443, "http": 80}
_HOST_NAME: Final = re.compile(r"[a-z0-9._-]{1,253}")
_KEPT: Final = "%/:@!$&'()*+,;=~?[]"
"""What stands in a path or a query as it is: a receiver may compare what it gets with what it registered."""


@record()
class Target:
    """Where a call goes. Calls to one `origin` (scheme, host and port) may share a connection.

    `host` is what a name server and a certificate know, in ASCII; `authority` is the same as a Host header has it;
    `path` is what a request line names, with the query.
    """

    origin: str
    secure: bool
    host: str
    port: int
    authority: str
    path: str


def target_of(url: str) -> Target:
    """Take a URL apart. Raises ValueError, without the URL, where it is none of http or https."""
    parts = urlsplit(url)
    default_port = _PORTS.get(parts.scheme)
    if default_port is None or parts.username is not None:
        raise ValueError("a target is an http or https URL without a user")
    host, port = _host(parts), parts.port or default_port
    bracketed = f"[{host}]" if ":" in host else host
    authority = bracketed if port == default_port else f"{bracketed}:{port}"
    origin = f"{parts.scheme}://{bracketed}:{port}"
    return Target(origin, parts.scheme == "https", host, port, authority, _path(parts))


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not host.isascii():
        host = idna.encode(host, uts46=True).decode()
    if not is_address(host) and _HOST_NAME.fullmatch(host) is None:
        raise ValueError("a target's host is a name or an address")
    return host


def _path(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe=_KEPT)
    return f"{path}?{quote(parts.query, safe=_KEPT)}" if parts.query else path
