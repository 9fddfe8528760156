"""Which URL an endpoint may have, under each of the four policies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.endpoint_url import UrlPolicy

STRICT = UrlPolicy()
HTTP = UrlPolicy(allow_http=True)
PRIVATE = UrlPolicy(allow_private=True)
LAX = UrlPolicy(allow_http=True, allow_private=True)
POLICIES = (STRICT, HTTP, PRIVATE, LAX)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://receiver.example/hook", (True, True, True, True)),
        ("HTTPS://Receiver.Example/hook", (True, True, True, True)),
        ("https://receiver.example:8443/", (True, True, True, True)),
        ("https://8.8.8.8/", (True, True, True, True)),
        ("https://[2606:4700:4700::1111]/", (True, True, True, True)),
        ("http://receiver.example/hook", (False, True, False, True)),
        ("https://localhost/", (False, False, True, True)),
        ("https://LOCALHOST/", (False, False, True, True)),
        ("https://127.0.0.1/", (False, False, True, True)),
        ("https://[::1]/", (False, False, True, True)),
        ("https://[::ffff:10.0.0.1]/", (False, False, True, True)),
        ("http://10.0.0.1:3000/", (False, False, False, True)),
        ("ftp://receiver.example/", (False,) * 4),
        ("file:///etc/passwd", (False,) * 4),
        ("//receiver.example/", (False,) * 4),
        ("javascript:alert(1)", (False,) * 4),
        ("https:///hook", (False,) * 4),
        ("https://user@receiver.example/", (False,) * 4),
        ("https://:pw@receiver.example/", (False,) * 4),
        ("https://receiver.example/#top", (False,) * 4),
        ("https://receiver.example/a\tb", (False,) * 4),
        ("https://receiver.example/a\nb", (False,) * 4),
        ("https://receiver.example:99999/", (False,) * 4),
        ("https://receiver.example:-1/", (False,) * 4),
        ("", (False,) * 4),
    ],
)
def test_what_each_policy_allows(url: str, allowed: tuple[bool, ...]) -> None:
    assert tuple(policy.problem(url) is None for policy in POLICIES) == allowed


def test_the_longest_url_has_2000_characters() -> None:
    start = "https://receiver.example/"
    assert STRICT.problem(start + "a" * (2000 - len(start))) is None
    assert STRICT.problem(start + "a" * (2001 - len(start))) is not None


@given(st.text(max_size=60) | st.text(max_size=40).map("https://{}/".format))
def test_any_text_is_judged_and_never_repeated(text: str) -> None:
    for policy in POLICIES:
        problem = policy.problem(text)
        assert problem is None or len(text) < 12 or text not in problem


@given(
    st.text(max_size=40).map("http://{}/".format) | st.from_regex(r"https?://[a-z0-9.:@\[\]-]{1,20}/?", fullmatch=True)
)
def test_a_laxer_policy_allows_whatever_a_stricter_one_does(url: str) -> None:
    for stricter, laxer in ((STRICT, HTTP), (STRICT, PRIVATE), (HTTP, LAX), (PRIVATE, LAX)):
        if stricter.problem(url) is None:
            assert laxer.problem(url) is None
