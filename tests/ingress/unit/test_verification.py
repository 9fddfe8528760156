"""A request as its sender signed it: its whole public address, its bytes, our time, and where it came from."""

from typing import Any

import pytest

from carewire_ingress.adapters.verification import Verification
from carewire_ingress.domain.senders.client_address import read_address, read_network
from carewire_runtime.clock import FakeClock
from carewire_runtime.http.exchange import Exchange
from carewire_testing_ingress.played import Played

PROXIES = (read_network("10.0.0.0/8"), read_network("fd00::/8"))


def exchange(target: bytes = b"/hooks/token", **more: Any) -> Exchange:
    return Played(target, **more).exchange


def verification(public_url: str = "https://hooks.example.org") -> Verification:
    return Verification(public_url, PROXIES, FakeClock())


@pytest.mark.parametrize(
    ("public_url", "target", "url"),
    [
        pytest.param("https://h.example", b"/hooks/token", b"https://h.example/hooks/token", id="plain"),
        pytest.param(
            "https://h.example/", b"/hooks/token", b"https://h.example/hooks/token", id="public URL with a stroke"
        ),
        pytest.param(
            "https://h.example/in",
            b"/hooks/token",
            b"https://h.example/in/hooks/token",
            id="public URL with a path of its own",
        ),
        pytest.param(
            "https://h.example",
            b"/hooks/token?a=1&b=%2F",
            b"https://h.example/hooks/token?a=1&b=%2F",
            id="query",
        ),
        pytest.param(
            "https://h.example",
            b"/hooks/t%C3%B6k",
            b"https://h.example/hooks/t%C3%B6k",
            id="escapes stay as they were sent",
        ),
    ],
)
def test_the_address_is_the_public_one_with_path_and_query_as_they_came(
    public_url: str, target: bytes, url: bytes
) -> None:
    assert verification(public_url).signed_call(exchange(target)).url == url


def test_headers_stay_apart_and_the_body_stays_raw() -> None:
    headers = [(b"x-a", b"1"), (b"x-a", b"2")]
    caller = Played(headers=headers)
    caller.say(b"\x00", b"\xff")
    call = verification().signed_call(caller.exchange)
    assert call.values("X-A") == [b"1", b"2"]
    assert call.body == b"\x00\xff"


def test_the_time_is_that_of_our_wall_clock() -> None:
    clock = FakeClock()
    found = Verification("https://h.example", (), clock)
    clock.advance(90)
    assert found.signed_call(exchange()).received_at == clock.now().timestamp()


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        pytest.param("192.0.2.7", [], "192.0.2.7", id="straight"),
        pytest.param("192.0.2.7", [b"203.0.113.9"], "192.0.2.7", id="a stranger's header is not believed"),
        pytest.param("10.1.2.3", [b"203.0.113.9"], "203.0.113.9", id="our proxy's is"),
        pytest.param("10.1.2.3", [b"6.6.6.6, 203.0.113.9, 10.9.9.9"], "203.0.113.9", id="last before our proxies"),
        pytest.param("10.1.2.3", [b"6.6.6.6", b"203.0.113.9"], "203.0.113.9", id="header in two lines"),
        pytest.param("fd00::1", [b"2001:db8::5"], "2001:db8::5", id="IPv6"),
        pytest.param("10.1.2.3", [], "10.1.2.3", id="our proxy without the header"),
        pytest.param("10.1.2.3", [b"\xff\xfe"], None, id="not an address"),
    ],
)
def test_the_client_is_whom_our_own_proxies_name(peer: str, forwarded: list[bytes], client: str | None) -> None:
    headers = [(b"x-forwarded-for", value) for value in forwarded]
    call = verification().signed_call(exchange(peer=peer, headers=headers))
    assert call.client == (None if client is None else read_address(client))


def test_a_connection_without_an_address_has_no_client() -> None:
    assert verification().signed_call(exchange(peer=None)).client is None
