"""Which network addresses may be called for somebody else.

The URL of an endpoint or of an API is written by someone else, and its name may be made to point anywhere at any
time. Nothing of our own network, of this machine or of a cloud's metadata service may be reached through it.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

_NAT64: Final = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""All that IANA gives out of IPv6. `is_global` alone lets pass what was never given out and may be routed inside:
site-local addresses (fec0::/10) and those that hold an IPv4 address in the old way (::127.0.0.1)."""


def is_public(text: str) -> bool:
    """Whether the address belongs to the public internet. False for anything that is no address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return _is_given_out(address) and all(
        part.is_global and not part.is_multicast for part in (address, *_embedded(address))
    )


def is_address(text: str) -> bool:
    """Whether the text is an address and not a name."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_given_out(address: IPv4Address | IPv6Address) -> bool:
    return isinstance(address, IPv4Address) or address in _GLOBAL_UNICAST or address in _NAT64


def _embedded(address: IPv4Address | IPv6Address) -> tuple[IPv4Address | IPv6Address, ...]:
    """List the IPv4 addresses that a router would make of an IPv6 address."""
    if isinstance(address, IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return tuple(part for part in found if part is not None)
