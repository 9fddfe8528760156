"""No address of IANA's special-purpose registries can be called, in whatever form it is written."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.addresses import is_address, is_public

RESERVED_4 = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "carrier-grade NAT",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local, where clouds keep their metadata",
    "172.16.0.0/12": "private",
    "192.0.2.0/24": "documentation",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "benchmarks",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved, and broadcast at its end",
}
RESERVED_6 = {
    "::/128": "unspecified",
    "::1/128": "loopback",
    "100::/64": "discard",
    "2001:2::/48": "benchmarks",
    "2001:db8::/32": "documentation",
    "fc00::/7": "unique local",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local, of old, but still routed inside some networks",
    "ff00::/8": "multicast",
}
PUBLIC_4 = ("1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0")
PUBLIC_6 = ("2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "2400:cb00::1")

networks_4 = st.sampled_from([IPv4Network(text) for text in RESERVED_4])
networks_6 = st.sampled_from([IPv6Network(text) for text in RESERVED_6])
inside_4 = networks_4.flatmap(lambda network: st.ip_addresses(network=network))
inside_6 = networks_6.flatmap(lambda network: st.ip_addresses(network=network))


def embedded(address: IPv4Address) -> dict[str, IPv6Address]:
    """The IPv6 addresses that lead to an IPv4 one, by the way in which they do."""
    number = int(address)
    return {
        "mapped": IPv6Address((0xFFFF << 32) | number),
        "compatible": IPv6Address(number),
        "NAT64": IPv6Address(int(IPv6Address("64:ff9b::")) | number),
        "6to4": IPv6Address((0x2002 << 112) | (number << 80) | 1),
        "Teredo client": IPv6Address((0x2001 << 112) | (number ^ 0xFFFF_FFFF)),
    }


@pytest.mark.parametrize("network", RESERVED_4)
def test_a_reserved_ipv4_network_is_refused_from_its_first_to_its_last_address(network: str) -> None:
    ends = IPv4Network(network)
    assert not is_public(str(ends[0]))
    assert not is_public(str(ends[-1]))


@pytest.mark.parametrize("network", RESERVED_6)
def test_a_reserved_ipv6_network_is_refused_from_its_first_to_its_last_address(network: str) -> None:
    ends = IPv6Network(network)
    assert not is_public(str(ends[0]))
    assert not is_public(str(ends[-1]))


@given(inside_4)
def test_no_reserved_ipv4_address_can_be_reached_through_ipv6(address: IPv4Address) -> None:
    assert not is_public(str(address))
    assert [way for way, form in embedded(address).items() if is_public(str(form))] == []


@given(inside_6)
def test_no_reserved_ipv6_address_is_public_however_it_is_written(address: IPv6Address) -> None:
    assert not is_public(str(address))
    assert not is_public(address.exploded)
    assert not is_public(address.exploded.upper())
    assert not is_public(f"{address}%eth0")


@pytest.mark.parametrize("text", [*PUBLIC_4, *PUBLIC_6])
def test_the_neighbours_of_reserved_networks_are_public(text: str) -> None:
    assert is_public(text)


@pytest.mark.parametrize(
    "text",
    ["127.1", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "127.0.0.1.", " 127.0.0.1", "\N{FULLWIDTH DIGIT ONE}.1.1.1"],
)
def test_other_spellings_of_an_address_are_no_addresses_and_never_public(text: str) -> None:
    assert not is_address(text)
    assert not is_public(text)


@given(st.text(max_size=40))
def test_any_text_is_judged_without_an_error(text: str) -> None:
    assert is_public(text) in (True, False)
    assert is_address(text) in (True, False)
