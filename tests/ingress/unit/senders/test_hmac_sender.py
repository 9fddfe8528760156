"""The HMAC scheme of no sender in particular: what is signed, and that it can say what the others say."""

import base64
import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_ingress.domain.senders.hmac_sender import HmacSender, HmacSignature
from carewire_ingress.domain.senders.sender_scheme import SENDER_SCHEME
from carewire_ingress.domain.senders.signature import Algorithm, Encoding
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.signed_template import SignedTemplate
from carewire_ingress.domain.senders.verdict import Doubt, Unverified, Verified
from carewire_testing_ingress.proofs import (
    BODY,
    NEW,
    NOW,
    STRANGE,
    URL,
    changed,
    dropbox,
    github,
    in_base64,
    in_hex,
    shopify,
    signed_call,
    slack,
    zoom,
)

CALL = signed_call({"X-Id": "7", "X-Kind": "visit"})


@pytest.mark.parametrize(
    ("template", "signed"),
    [
        ("{body}", BODY),
        ("{timestamp}.{body}", b"1700000000." + BODY),
        ("v0:{timestamp}:{body}", b"v0:1700000000:" + BODY),
        ("{method}{url}{body}{timestamp}", b"POST" + URL + BODY + b"1700000000"),
        ("{header:X-Id}.{header:x-kind}.{body}", b"7.visit." + BODY),
        ("{body}{body}", BODY + BODY),
        ("{{{body}}}", b"{" + BODY + b"}"),
        ("{{body}}{body}", b"{body}" + BODY),
        ("é{body}", "é".encode() + BODY),
        ("{body:}", BODY),
    ],
)
def test_a_template_is_filled_with_the_parts_of_a_call(template: str, signed: bytes) -> None:
    assert SignedTemplate(template).fill(CALL, b"1700000000") == signed


@pytest.mark.parametrize(
    ("template", "remedy"),
    [
        ("", "{body} is missing"),
        ("body", "{body} is missing"),
        ("{timestamp}", "{body} is missing"),
        ("{{body}}", "{body} is missing"),
        ("{body", "a brace has no partner"),
        ("body}", "a brace has no partner"),
        ("{body}{", "a brace has no partner"),
        ("{}", "unknown place"),
        ("{0}", "unknown place"),
        ("{Body}", "unknown place"),
        ("{ body }", "unknown place"),
        ("{body!r}", "unknown place"),
        ("{body:>10}", "unknown place"),
        ("{body.hex}", "unknown place"),
        ("{body[0]}", "unknown place"),
        ("{header}{body}", "unknown place"),
        ("{header:}{body}", "unknown place"),
        ("{header:a b}{body}", "unknown place"),
        ("{header:{body}}", "unknown place"),
        ("{secret}{body}", "unknown place"),
    ],
)
def test_a_template_that_can_not_be_meant_is_refused_with_the_remedy(template: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy.replace("{", r"\{")):
        SignedTemplate(template)


@given(st.text(max_size=40))
def test_any_text_is_a_template_or_is_refused(text: str) -> None:
    try:
        template = SignedTemplate(text)
    except ValueError:
        return
    assert BODY in template.fill(signed_call({"x": "1"}), b"") or "header" in text


@given(st.text(max_size=30), st.binary(max_size=30))
def test_what_stands_between_the_places_is_signed_as_it_is(text: str, body: bytes) -> None:
    template = SignedTemplate(text.replace("{", "{{").replace("}", "}}") + "{body}")
    assert template.fill(changed(CALL, body=body), b"") == text.encode() + body


def made(**changes: Any) -> HmacSender:
    return HmacSender((NEW.encode(),), HmacSignature("x-signature", **changes))


@pytest.mark.parametrize("value", [b"", b"a", b"7"])
def test_a_header_that_is_signed_must_be_there_once(value: bytes) -> None:
    sender = made(template=SignedTemplate("{header:x-id}{body}"))
    signature = (b"x-signature", in_hex(NEW, b"7" + BODY).encode())
    given_ids = [(b"x-id", value)] if value else []
    verdict = sender.verify(SignedCall("POST", URL, [signature, *given_ids], BODY, NOW))
    expected = {
        b"": Unverified(Doubt.MISSING, "header x-id"),
        b"a": Unverified(Doubt.MISMATCH, "header x-signature"),
        b"7": Verified(),
    }
    assert verdict == expected[value]


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("encoding", list(Encoding))
@given(body=st.binary(max_size=50), secret=st.binary(min_size=1, max_size=200))
def test_every_algorithm_in_every_encoding(
    algorithm: Algorithm, encoding: Encoding, body: bytes, secret: bytes
) -> None:
    digest = hmac.new(secret, body, getattr(hashlib, algorithm.value)).digest()
    written = {
        Encoding.HEX: digest.hex(),
        Encoding.BASE64: base64.b64encode(digest).decode(),
        Encoding.BASE64URL: base64.urlsafe_b64encode(digest).decode(),
    }[encoding]
    sender = HmacSender((secret,), HmacSignature("x-signature", algorithm=algorithm, encoding=encoding))
    assert sender.verify(signed_call({"x-signature": written}, body)) == Verified()


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        (Encoding.HEX, "0"),
        (Encoding.HEX, "0g"),
        (Encoding.HEX, "00 00"),
        (Encoding.HEX, "0x00"),
        (Encoding.BASE64, "AAA"),
        (Encoding.BASE64, "AA AA"),
        (Encoding.BASE64, "-_-_"),
        (Encoding.BASE64URL, "A"),
        (Encoding.BASE64URL, "+/+/"),
        (Encoding.BASE64URL, "AA=A"),
    ],
)
def test_a_signature_in_another_encoding_is_not_in_form(encoding: Encoding, text: str) -> None:
    verdict = made(encoding=encoding).verify(signed_call({"x-signature": text}))
    assert verdict == Unverified(Doubt.UNREADABLE, "header x-signature")


@pytest.mark.parametrize(
    ("prefix", "value", "doubt"),
    [
        ("sha256=", "sha256=00", Doubt.MISMATCH),
        ("sha256=", "00", Doubt.UNREADABLE),
        ("sha256=", "SHA256=00", Doubt.UNREADABLE),
        ("sha256=", "sha256=sha256=00", Doubt.UNREADABLE),
        ("", "sha256=00", Doubt.UNREADABLE),
    ],
)
def test_a_prefix_stands_in_front_exactly_once(prefix: str, value: str, doubt: Doubt) -> None:
    verdict = made(prefix=prefix).verify(signed_call({"x-signature": value}))
    assert verdict == Unverified(doubt, "header x-signature")


AS_OTHERS: dict[str, tuple[dict[str, Any], Any]] = {
    "GitHub": ({"header": "X-Hub-Signature-256", "prefix": "sha256="}, github),
    "Shopify": ({"header": "X-Shopify-Hmac-Sha256", "encoding": "base64"}, shopify),
    "Dropbox": ({"header": "X-Dropbox-Signature"}, dropbox),
    "Slack": (
        {
            "header": "X-Slack-Signature",
            "prefix": "v0=",
            "template": "v0:{timestamp}:{body}",
            "timestamp_header": "X-Slack-Request-Timestamp",
        },
        slack,
    ),
    "Zoom": (
        {
            "header": "x-zm-signature",
            "prefix": "v0=",
            "template": "v0:{timestamp}:{body}",
            "timestamp_header": "x-zm-request-timestamp",
        },
        zoom,
    ),
}
"""Schemes that have a name of their own, written with this one."""


@pytest.mark.parametrize("name", AS_OTHERS)
@pytest.mark.parametrize("secret", [NEW, STRANGE], ids=["right secret", "wrong secret"])
@given(body=st.binary(max_size=60), age=st.integers(-400, 400))
def test_it_says_what_the_senders_own_scheme_says(name: str, secret: str, body: bytes, age: int) -> None:
    settings, sign = AS_OTHERS[name]
    call = changed(sign(secret, body), received_at=NOW + age)
    general = SENDER_SCHEME.validate_python({"scheme": "hmac", "secrets": [NEW], **settings})
    own = SENDER_SCHEME.validate_python({"scheme": name.lower(), "secrets": [NEW]})
    verdicts = [scheme.sender(scheme.entered()).verify(call) for scheme in (general, own)]
    assert len({getattr(verdict, "doubt", None) for verdict in verdicts}) == 1


def test_hubspots_third_version_can_be_written_with_it() -> None:
    # https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests (v3)
    scheme = SENDER_SCHEME.validate_python(
        {
            "scheme": "hmac",
            "secrets": [NEW],
            "header": "X-HubSpot-Signature-v3",
            "encoding": "base64",
            "template": "{method}{url}{body}{timestamp}",
            "timestamp_header": "X-HubSpot-Request-Timestamp",
            "timestamp_unit": "milliseconds",
        }
    )
    signature = in_base64(NEW, b"POST" + URL + BODY + b"%d" % (NOW * 1_000))
    headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": str(NOW * 1_000)}
    assert scheme.sender(scheme.entered()).verify(signed_call(headers)) == Verified()


@pytest.mark.parametrize(
    ("per_second", "sent", "doubt"),
    [(1, NOW * 1_000, Doubt.TOO_NEW), (1_000, NOW, Doubt.TOO_OLD)],
    ids=["milliseconds where seconds are expected", "seconds where milliseconds are expected"],
)
def test_a_timestamp_in_another_unit_is_far_away(per_second: int, sent: int, doubt: Doubt) -> None:
    sender = made(
        template=SignedTemplate("{timestamp}{body}"), timestamp_header="x-time", timestamps_per_second=per_second
    )
    headers = {"x-signature": in_hex(NEW, b"%d%b" % (sent, BODY)), "x-time": str(sent)}
    assert sender.verify(signed_call(headers)) == Unverified(doubt, "header x-time")
