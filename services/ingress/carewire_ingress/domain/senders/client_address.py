"""Where a call comes from, when proxies stand between.

Anybody may send `X-Forwarded-For`, so it is believed as far as proxies of our own wrote it: each appends the
address that it saw, so the list is read from its end, and the first address that is no trusted proxy is the
client. What stands before it is hearsay.
https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-Forwarded-For#security_and_privacy_concerns
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_MAX_LENGTH: Final = 4_096
"""Bytes of X-Forwarded-For that are read; each proxy adds some 40."""
_WITH_PORT: Final = re.compile(r"\[(?P<v6>[^\]]*)\](?::[0-9]{1,5})?|(?P<v4>[0-9.]+):[0-9]{1,5}")
"""Some proxies append the port: `192.0.2.1:443`, `[2001:db8::1]:443`."""


def client_address(peer: str | None, forwarded_for: Sequence[bytes], trusted: Sequence[Network]) -> Address | None:
    """The client's address; None where it can't be known.

    `peer` is the other end of the connection, `forwarded_for` all values of the header in their order.
    """
    address = read_address(peer or "")
    if not trusted or address is None or not any(forwarded_for) or not within(address, trusted):
        return address
    chain = b",".join(forwarded_for)
    if len(chain) > _MAX_LENGTH:
        return None
    for entry in reversed(chain.split(b",")):
        address = read_address(entry.decode("latin-1"))
        if address is None or not within(address, trusted):
            return address
    return address


@lru_cache(maxsize=1_024)
def read_address(text: str) -> Address | None:
    """Read an address, with or without a port; None where it is none. IPv4 inside IPv6 counts as IPv4.

    The last ones are kept: a connection makes many calls, and reading costs as much as verifying a signature.
    """
    text = text.strip()
    if found := _WITH_PORT.fullmatch(text):
        text = found["v6"] or found["v4"] or ""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an address lies in any of the networks."""
    return any(address in network for network in networks)


def read_network(text: str) -> Network:
    """Read an address range in CIDR notation, or a single address. Raises ValueError, which says how to mend it."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError("not an address range; write it like 192.0.2.0/24 or 2001:db8::/32") from None
    if network.prefixlen == 0:
        raise ValueError("this range lets everybody in; name the sender's own ranges")
    return network
