"""What of a call's headers the log may show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_ingress.domain.logged_headers import LOGGED_HEADERS, MAX_SHOWN, logged_headers

CANARY = "canary-7f3a9"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user-agent", "Shopify-Captain-Hook"),
        ("webhook-timestamp", "1772439330"),
        ("x-github-event", "ping"),
        ("x-shopify-topic", "orders/create"),
    ],
)
def test_what_tells_software_kind_and_time_is_shown(name: str, value: str) -> None:
    assert logged_headers({name.encode(): value.encode()}) == {name: value}


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "proxy-authorization",
        "cookie",
        "x-api-key",
        "idempotency-key",
        "webhook-id",
        "x-request-id",
        "x-github-delivery",
        "x-shopify-webhook-id",
        "i-twilio-idempotency-token",
        "content-type",
        "webhook-signature",
        "stripe-signature",
        "x-hub-signature",
        "x-hub-signature-256",
        "x-shopify-hmac-sha256",
        "x-slack-signature",
        "x-twilio-signature",
        "x-twilio-email-event-webhook-signature",
        "x-zm-signature",
        "x-dropbox-signature",
        "x-forwarded-for",
        "x-whatever",
    ],
)
def test_credentials_signatures_ids_and_what_nobody_listed_are_not(name: str) -> None:
    assert logged_headers({name.encode(): CANARY.encode()}) == {}


def test_the_list_holds_no_name_that_speaks_of_a_secret() -> None:
    words = ("signature", "secret", "cookie", "auth", "hmac", "password", "api-key")
    assert [name for name in LOGGED_HEADERS if any(word in name for word in words)] == []
    assert [name for name in LOGGED_HEADERS if name != name.lower()] == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(b"a" * 200, "a" * 200, id="as long as may be"),
        pytest.param(b"a" * 201, "a" * 200, id="too long"),
        pytest.param(b"caf\xe9", "caf\u00e9", id="latin"),
        pytest.param(b"a\tb\0c\x1b[31m", "a\ufffdb\ufffdc\ufffd[31m", id="control characters"),
        pytest.param(b"a\xa0b\xad", "a\ufffdb\ufffd", id="invisible characters"),
    ],
)
def test_a_value_is_shown_printable_and_short(value: bytes, shown: str) -> None:
    assert logged_headers({b"user-agent": value}) == {"user-agent": shown}


NAMES = st.sampled_from([*(name.encode() for name in sorted(LOGGED_HEADERS)), b"cookie", b"x-other"])


@given(st.dictionaries(NAMES | st.binary(), st.binary(max_size=300)))
def test_whatever_is_sent_the_log_gets_listed_names_and_short_printable_texts(raw: dict[bytes, bytes]) -> None:
    shown = logged_headers(raw)
    assert shown.keys() == {name.decode() for name in raw if name.decode("latin-1") in LOGGED_HEADERS}
    assert all(len(value) <= MAX_SHOWN and value.isprintable() for value in shown.values())
