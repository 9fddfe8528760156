"""The client's address behind proxies: believed as far as our own proxies wrote it, and not one entry further."""

from ipaddress import IPv4Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_ingress.domain.senders.client_address import client_address, read_address, read_network, within
from carewire_ingress.domain.senders.ip_ranges import IpRanges
from carewire_ingress.domain.senders.verdict import Doubt, Unverified, Verified
from carewire_testing_ingress.proofs import signed_call

PROXY, INNER, CLIENT, LIAR = "10.0.0.1", "10.0.0.2", "192.0.2.7", "198.51.100.9"
TRUSTED = (ip_network("10.0.0.0/24"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        pytest.param(CLIENT, [], CLIENT, id="nobody between"),
        pytest.param(CLIENT, [PROXY], CLIENT, id="a client that sends the header itself"),
        pytest.param(CLIENT, [f"{LIAR}, {PROXY}"], CLIENT, id="a client that makes up a whole chain"),
        pytest.param(PROXY, [CLIENT], CLIENT, id="one proxy"),
        pytest.param(PROXY, [f"{LIAR}, {CLIENT}"], CLIENT, id="what stands before the client is hearsay"),
        pytest.param(PROXY, [f"{CLIENT}, {INNER}"], CLIENT, id="two proxies"),
        pytest.param(PROXY, [CLIENT, INNER], CLIENT, id="two proxies that write a header each"),
        pytest.param(PROXY, [LIAR, f"{CLIENT} ,{INNER}"], CLIENT, id="a header that the client brought along"),
        pytest.param(PROXY, [f"{INNER}, {LIAR}, {INNER}"], LIAR, id="a trusted address before the client"),
        pytest.param(PROXY, [INNER], INNER, id="a call from within"),
        pytest.param(PROXY, [f"{INNER}, {INNER}"], INNER, id="a call from within through two proxies"),
        pytest.param(PROXY, [], PROXY, id="a proxy that calls itself"),
        pytest.param(PROXY, [""], PROXY, id="an empty header"),
        pytest.param(PROXY, [f"{CLIENT}:50211"], CLIENT, id="with a port"),
        pytest.param(PROXY, ["[2001:db8::1]:50211"], "2001:db8::1", id="IPv6 with a port"),
        pytest.param(PROXY, ["[2001:db8::1]"], "2001:db8::1", id="IPv6 in brackets"),
        pytest.param("fd00::1", ["2001:db8::1"], "2001:db8::1", id="IPv6 throughout"),
        pytest.param("::ffff:10.0.0.1", [CLIENT], CLIENT, id="a proxy whose IPv4 address is written as IPv6"),
        pytest.param(PROXY, [f"::ffff:{CLIENT}"], CLIENT, id="a client whose IPv4 address is written as IPv6"),
        pytest.param(PROXY, ["unknown"], None, id="an entry that is no address"),
        pytest.param(PROXY, [f"{CLIENT}, unknown, {INNER}"], None, id="an unknown client before a proxy"),
        pytest.param(PROXY, [f"{CLIENT},"], None, id="an empty entry"),
        pytest.param(PROXY, [f"{CLIENT}, " * 500], None, id="an absurdly long chain"),
        pytest.param(None, [CLIENT], None, id="no peer, as on a socket of this machine"),
        pytest.param("/run/app.sock", [CLIENT], None, id="a peer that is no address"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_trusted_proxy(
    peer: str | None, forwarded_for: list[str], client: str | None
) -> None:
    found = client_address(peer, [value.encode() for value in forwarded_for], TRUSTED)
    assert found == (None if client is None else ip_address(client))


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_without_trusted_proxies_no_header_is_believed(values: list[bytes]) -> None:
    assert client_address(CLIENT, values, ()) == ip_address(CLIENT)


@given(st.one_of(st.none(), st.text(max_size=30)), st.lists(st.binary(max_size=60), max_size=4))
def test_no_bytes_whatsoever_make_it_raise(peer: str | None, values: list[bytes]) -> None:
    for at in (peer, PROXY):
        client_address(at, values, TRUSTED)


@given(st.ip_addresses(), st.lists(st.ip_addresses(v=4), max_size=3))
def test_a_client_can_not_hide_behind_what_it_writes_itself(client: object, written: list[object]) -> None:
    expected = read_address(str(client))
    assert expected is not None
    chain = ", ".join(map(str, [*written, client])).encode()
    found = client_address(PROXY, [chain], TRUSTED)
    assert found == expected or within(expected, TRUSTED)


@pytest.mark.parametrize(
    "text", ["", " ", "1.2.3", "1.2.3.4.5", "256.1.1.1", "a.b.c.d", "1.2.3.4:", "[::1", "[]:80", "01.2.3.4"]
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert read_address(text) is None


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2001:db8::1", "2001:db8::1/128"),
    ],
)
def test_a_range_is_read(text: str, network: str) -> None:
    assert read_network(text) == ip_network(network)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("clinic.example", "write it like 192.0.2.0/24"),
        ("192.0.2.0/33", "write it like 192.0.2.0/24"),
        ("", "write it like 192.0.2.0/24"),
        ("0.0.0.0/0", "lets everybody in"),
        ("::/0", "lets everybody in"),
    ],
)
def test_a_range_that_can_not_be_meant_is_refused_with_the_remedy(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        read_network(text)


SENDER = IpRanges((IPv4Network("192.0.2.0/24"), read_network("2001:db8::/32")))


@pytest.mark.parametrize("client", ["192.0.2.0", "192.0.2.255", "2001:db8::1", "::ffff:192.0.2.1"])
def test_a_call_from_within_a_range_is_verified(client: str) -> None:
    assert SENDER.verify(signed_call({}, client=client)) == Verified()


@pytest.mark.parametrize("client", ["192.0.1.255", "192.0.3.0", "2001:db9::1", "::1", "127.0.0.1"])
def test_a_call_from_elsewhere_is_not(client: str) -> None:
    assert SENDER.verify(signed_call({}, client=client)) == Unverified(Doubt.OUTSIDE, "client address")


def test_a_call_from_an_unknown_address_is_not() -> None:
    assert SENDER.verify(signed_call({})) == Unverified(Doubt.MISSING, "client address")


def test_headers_do_not_move_a_call() -> None:
    call = signed_call({"X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1"}, client=LIAR)
    assert SENDER.verify(call) == Unverified(Doubt.OUTSIDE, "client address")
