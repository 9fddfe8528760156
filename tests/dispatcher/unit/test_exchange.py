"""What the log keeps of a call and its answer: by closed lists, so that what nobody thought of is not kept."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.exchange import (
    HIDDEN,
    KEPT_ANSWER_HEADERS,
    SHOWN_CUSTOM_HEADERS,
    Keep,
    SentRequest,
    is_kept,
    kept_headers,
    sent_request,
)

URL = "https://receiver.example/hook"
names = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=20)


def sent(url: str = URL, custom: dict[str, str] | None = None, **more: Any) -> SentRequest:
    fields: dict[str, Any] = {"payload": "full", "content_mode": "flat", "signatures": (1, 0, False)} | more
    return sent_request(
        url,
        tuple((custom or {}).items()),
        fields["payload"],
        fields["content_mode"],
        "Carewire/0",
        fields["signatures"],
        fields.get("marks", ()),
    )


def test_a_call_is_shown_with_all_its_headers_and_the_values_of_some() -> None:
    assert dict(sent().headers) == {
        "content-type": "application/json",
        "user-agent": "Carewire/0",
        "traceparent": HIDDEN,
        "webhook-signature": f"v1,{HIDDEN}",
    }


def test_of_a_url_nothing_is_shown_behind_its_host() -> None:
    """It may hold a secret of the receiver's."""
    whole = sent(url="https://receiver.example:8443/canary?of=canary")
    assert whole.url == "https://receiver.example:8443/…"
    assert whole.id == sent(url="https://receiver.example:8443/other").id, "an id must not tell of it either"


@given(st.dictionaries(names, st.just("canary"), max_size=5))
def test_a_custom_header_s_value_is_hidden_unless_its_name_is_on_the_list(custom: dict[str, str]) -> None:
    shown = sent(custom=custom).headers
    for name in custom:
        assert shown[name] == ("canary" if name in SHOWN_CUSTOM_HEADERS else HIDDEN)


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-Api-Key", "Proxy-Authorization", "X-Token", "apikey"])
def test_no_header_by_which_somebody_is_let_in_is_on_the_list(name: str) -> None:
    assert name.lower() not in SHOWN_CUSTOM_HEADERS
    assert name.lower().encode() not in KEPT_ANSWER_HEADERS


def test_names_on_the_list_are_known_in_any_case() -> None:
    assert sent(custom={"X-Environment": "live", "ACCEPT": "*/*"}).headers.items() >= {
        ("X-Environment", "live"),
        ("ACCEPT", "*/*"),
    }


@pytest.mark.parametrize(
    ("more", "headers"),
    [
        ({"signatures": (2, 1, False)}, {"webhook-signature": f"v1,{HIDDEN} v1,{HIDDEN} v1a,{HIDDEN}"}),
        ({"signatures": (0, 0, True)}, {"x-awell-signature": HIDDEN, "webhook-signature": None}),
        ({"signatures": (1, 0, True)}, {"x-awell-signature": HIDDEN, "webhook-signature": f"v1,{HIDDEN}"}),
        ({"content_mode": "cloudevents"}, {"content-type": "application/cloudevents+json"}),
        ({"marks": (("webhook-replay", "true"),)}, {"webhook-replay": "true"}),
        ({}, {"webhook-replay": None, "x-awell-signature": None}),
    ],
)
def test_how_it_was_signed_and_written_is_shown(more: dict[str, Any], headers: dict[str, str | None]) -> None:
    shown = sent(**more).headers
    assert {name: shown.get(name) for name in headers} == headers


def test_calls_that_look_alike_are_one_and_others_are_not() -> None:
    alike = [sent(), sent(), sent(custom={})]
    assert len({one.id for one in alike}) == 1
    others = [
        sent(url="https://other.example/hook"),
        sent(custom={"x": "1"}),
        sent(payload="thin"),
        sent(content_mode="cloudevents"),
        sent(signatures=(2, 0, False)),
        sent(signatures=(1, 0, True)),
        sent(marks=(("webhook-replay", "true"),)),
    ]
    assert len({one.id for one in [*alike, *others]}) == 1 + len(others)
    hidden_values = {sent(custom={"X-Key": value}).id for value in ("a", "b")}
    assert len(hidden_values) == 1, "an id that told values apart would tell of them"


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ((), {}),
        (((b"content-type", b"text/html"),), {"content-type": "text/html"}),
        (((b"set-cookie", b"canary"), (b"x-patient", b"canary"), (b"authorization", b"canary")), {}),
        (((b"x-request-id", b"r" * 300),), {"x-request-id": "r" * 200}),
        (((b"server", b"a\x00b\xff\x1b"),), {"server": "a\ufffdb\xff\ufffd"}),
        (
            ((b"location", b"https://login.example:8443/canary?canary=1#canary"),),
            {"location": "https://login.example:8443/…"},
        ),
        (((b"location", b"http://127.0.0.1/"),), {"location": "http://127.0.0.1/…"}),
        (((b"retry-after", b"120"),), {"retry-after": "120"}),
        (((b"retry-after", b"Fri, 31 Dec 2027 23:59:59 GMT"),), {"retry-after": "Fri, 31 Dec 2027 23:59:59 GMT"}),
        (((b"retry-after", b"canary 120"),), {"retry-after": "…"}),
        (((b"location", b"/canary/12"),), {"location": "…"}),
        (((b"location", b"https://login.example:canary/"),), {"location": "…"}),
        (((b"location", b"//user:canary@login.example/"),), {"location": "://login.example/…"}),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value)[:40],
)
def test_of_an_answer_s_headers_those_that_help_are_kept(
    raw: tuple[tuple[bytes, bytes], ...], kept: dict[str, str]
) -> None:
    assert kept_headers(raw) == kept


@given(st.lists(st.tuples(st.sampled_from(sorted(KEPT_ANSWER_HEADERS)) | st.binary(max_size=9), st.binary())))
def test_whatever_bytes_headers_are_what_is_kept_can_be_shown(raw: list[tuple[bytes, bytes]]) -> None:
    for name, value in kept_headers(tuple(raw)).items():
        assert name.encode() in KEPT_ANSWER_HEADERS
        assert value.isprintable()
        assert len(value) <= 300


@pytest.mark.parametrize(
    ("keep", "of_success", "of_failure"), [("all", True, True), ("failed", False, True), ("none", False, False)]
)
def test_of_which_attempts_the_answer_is_kept(keep: Keep, of_success: bool, of_failure: bool) -> None:
    assert (is_kept(keep, delivered=True), is_kept(keep, delivered=False)) == (of_success, of_failure)
