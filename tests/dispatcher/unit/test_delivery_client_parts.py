"""The parts of the delivery client that need no socket: URLs taken apart, requests written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.adapters.delivery_client.request import request_of
from carewire_dispatcher.adapters.delivery_client.target import Target, target_of
from carewire_dispatcher.adapters.sender import Call


def a_target(url: str = "https://receiver.example/hook") -> Target:
    return target_of(url)


@pytest.mark.parametrize(
    ("url", "origin", "authority", "path"),
    [
        ("https://receiver.example/hook", "https://receiver.example:443", "receiver.example", "/hook"),
        ("https://receiver.example", "https://receiver.example:443", "receiver.example", "/"),
        ("https://Receiver.Example:443/", "https://receiver.example:443", "receiver.example", "/"),
        ("https://receiver.example:8443/", "https://receiver.example:8443", "receiver.example:8443", "/"),
        ("http://receiver.example:443/", "http://receiver.example:443", "receiver.example:443", "/"),
        ("http://receiver.example/", "http://receiver.example:80", "receiver.example", "/"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]:443", "[2001:db8::1]", "/"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443", "[2001:db8::1]:8443", "/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example:443", "xn--bcher-kva.example", "/"),
        ("https://my_host.example/", "https://my_host.example:443", "my_host.example", "/"),
        ("https://r.example/a%20b?x=1%202&y=ä", "https://r.example:443", "r.example", "/a%20b?x=1%202&y=%C3%A4"),
        ("https://r.example/a b?c d", "https://r.example:443", "r.example", "/a%20b?c%20d"),
        ("https://r.example?x=1", "https://r.example:443", "r.example", "/?x=1"),
        ("https://r.example/hook#part", "https://r.example:443", "r.example", "/hook"),
        ("https://r.example/a;b=c/d@e:f", "https://r.example:443", "r.example", "/a;b=c/d@e:f"),
    ],
)
def test_a_url_is_taken_apart(url: str, origin: str, authority: str, path: str) -> None:
    target = target_of(url)
    assert (target.origin, target.authority, target.path) == (origin, authority, path)
    assert target.secure is url.startswith("https")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "receiver.example/hook",
        "ftp://receiver.example/",
        "https:///hook",
        "https://a b/",
        "https://receiver.example:99999/",
        "https://receiver.example:port/",
        "https://[::1/",
        "https://user:secret@receiver.example/",
        "https://exa$mple/",
        "https://" + "a" * 300 + "/",
        "https://\u2603\ufdd0.example/",
    ],
)
def test_what_is_no_url_of_http_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError) as refused:
        target_of(url)
    assert "secret" not in str(refused.value)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_url_breaks_out_of_the_request_line(path: str, query: str) -> None:
    try:
        target = target_of(f"https://receiver.example/{path}?{query}")
    except ValueError:
        return
    assert target.authority == "receiver.example"
    assert target.path.isascii()
    assert target.path.isprintable()
    assert " " not in target.path


def a_call(**headers: str) -> Call:
    return Call("https://receiver.example/hook", headers, b"{}", 1.0)


def test_a_request_is_one_post_with_its_headers_and_its_body_as_it_is() -> None:
    head, body = request_of(a_target(), a_call(accept="x", authorization="Bearer 1"))
    assert head == (
        b"POST /hook HTTP/1.1\r\nhost: receiver.example\r\ncontent-length: 2\r\n"
        b"accept: x\r\nauthorization: Bearer 1\r\n\r\n"
    )
    assert body == b"{}"


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\r\nx-more: 1", "a\0b", "\n", "a\r\n\r\nGET / HTTP/1.1"])
@pytest.mark.parametrize("place", ["name", "value"])
def test_a_header_that_would_break_out_of_its_line_is_not_sent(place: str, value: str) -> None:
    header = {value: "x"} if place == "name" else {"x-custom": value}
    with pytest.raises(ValueError, match="one line"):
        request_of(a_target(), a_call(**header))
