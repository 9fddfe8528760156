import pytest

from carewire_dispatcher.domain.endpoint_url import UrlPolicy
from carewire_runtime.addresses import is_address, is_public

STRICT = UrlPolicy()
LAX = UrlPolicy(allow_http=True, allow_private=True)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "no address",
        "",
    ],
)
def test_addresses_of_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)
    assert is_address(address)


@pytest.mark.parametrize("url", ["https://receiver.example/hook", "https://receiver.example:8443/a?b=c"])
def test_https_to_a_name_is_fine(url: str) -> None:
    assert STRICT.problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/hook",
        "ftp://receiver.example",
        "receiver.example/hook",
        "https://",
        "https://localhost/hook",
        "https://127.0.0.1/hook",
        "https://[::1]/hook",
        "https://[::1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://user:secret@receiver.example/",
        "https://receiver.example/#fragment",
        "https://receiver.example/a b",
        "https://receiver.example:port/",
        "https://receiver.example/" + "a" * 2000,
    ],
)
def test_anything_else_is_refused_without_repeating_it(url: str) -> None:
    problem = STRICT.problem(url)
    assert problem is not None
    assert "secret" not in problem
    assert "169.254" not in problem


@pytest.mark.parametrize("url", ["http://localhost:3000/hook", "http://127.0.0.1/hook", "https://10.0.0.1/"])
def test_development_may_call_itself(url: str) -> None:
    assert LAX.problem(url) is None
