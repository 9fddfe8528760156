"""Twilio signs the address and the form: what belongs to either, and that no body slips in unsigned."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_ingress.domain.payload import MAX_FORM_FIELDS
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.twilio import Twilio
from carewire_ingress.domain.senders.verdict import Doubt, Unverified, Verified
from carewire_testing_ingress.proofs import (
    BODY,
    FORM,
    NEW,
    URL,
    changed,
    in_base64,
    signed_call,
    twilio_form,
    twilio_json,
    with_header,
)

SENDER = Twilio((NEW.encode(),))
MISMATCH = Unverified(Doubt.MISMATCH, "header x-twilio-signature")
FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"
SETTINGS = "x-twilio-webhooks-signature-settings"


def called(
    signed: bytes, *, url: bytes = URL, body: bytes = b"", kind: str = FORM_TYPE, algorithm: str = "sha1"
) -> SignedCall:
    headers = {"X-Twilio-Signature": in_base64(NEW, signed, algorithm), "Content-Type": kind}
    return signed_call(headers, body, url=url)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        pytest.param(b"b=2&a=1", b"a1b2", id="sorted by name"),
        pytest.param(b"a=2&a=1", b"a1a2", id="then by value"),
        pytest.param(b"a=1&a=1", b"a1", id="a repeated pair once"),
        pytest.param(b"a=1&B=2", b"B2a1", id="capitals first, as Unix sorts"),
        pytest.param(b"a=", b"a", id="an empty value"),
        pytest.param(b"a", b"a", id="no value at all"),
        pytest.param(b"a=1+2%20%2B", b"a1 2 +", id="decoded"),
        pytest.param(b"a=%20x%20", b"a x ", id="white space kept"),
        pytest.param(b"a=%C3%BC", "aü".encode(), id="UTF-8"),
        pytest.param(b"a=\xc3\xbc", "aü".encode(), id="UTF-8 that was not escaped"),
        pytest.param(b"a=%FF", b"a\xff", id="bytes that are no UTF-8"),
        pytest.param(b"a=1;b=2", b"a1;b=2", id="a semicolon divides nothing"),
        pytest.param(b"%61=1", b"a1", id="an escaped name"),
        pytest.param(b"a=%", b"a%", id="a lone percent sign"),
    ],
)
def test_the_fields_of_a_form_are_signed_decoded_and_sorted(body: bytes, fields: bytes) -> None:
    assert SENDER.verify(called(URL + fields, body=body)) == Verified()


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        (b"https://h/x", b"https://h/x"),
        (b"https://h/x", b"https://h:443/x"),
        (b"https://h:443/x", b"https://h/x"),
        (b"https://h:8443/x", b"https://h/x"),
        (b"https://h:8443/x", b"https://h:8443/x"),
        (b"http://h/x", b"http://h:80/x"),
        (b"https://h", b"https://h"),
        (b"https://h?a=1", b"https://h:443?a=1"),
        (b"https://h/x?to=https://h:1/", b"https://h:443/x?to=https://h:1/"),
        (b"https://user:1@h/x", b"https://user:1@h/x"),
        (b"https://user:1@h/x", b"https://user:1@h:443/x"),
        (b"https://user:1@h:8443/x", b"https://user:1@h/x"),
        (b"https://[::1]/x", b"https://[::1]:443/x"),
        (b"https://[::1]:8443/x", b"https://[::1]/x"),
        (b"gopher://h:70/x", b"gopher://h:70/x"),
        (b"/hooks/x", b"/hooks/x"),
    ],
)
def test_the_address_counts_with_its_port_and_without(url: bytes, signed: bytes) -> None:
    assert SENDER.verify(called(signed + b"a1", url=url, body=b"a=1")) == Verified()


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        (b"https://h/x", b"http://h/x"),
        (b"https://h/x", b"https://h:80/x"),
        (b"https://h:8443/x", b"https://h:443/x"),
        (b"https://h/x", b"https://h/X"),
        (b"https://h/x", b"https://h/x?"),
        (b"https://h/x?a=1&b=2", b"https://h/x?b=2&a=1"),
        (b"https://h/x?a=%20", b"https://h/x?a=+"),
    ],
)
def test_every_other_difference_of_the_address_counts(url: bytes, signed: bytes) -> None:
    assert SENDER.verify(called(signed + b"a1", url=url, body=b"a=1")) == MISMATCH


@pytest.mark.parametrize("kind", [JSON_TYPE, "text/plain", "", FORM_TYPE + "2"])
def test_a_body_that_the_signature_does_not_cover_is_refused(kind: str) -> None:
    expected = Unverified(Doubt.BODY_NOT_SIGNED, "header x-twilio-signature")
    assert SENDER.verify(called(URL, body=BODY, kind=kind)) == expected


def test_a_form_that_is_called_json_is_refused() -> None:
    call = with_header(twilio_form(NEW), "content-type", JSON_TYPE.encode())
    assert SENDER.verify(call) == Unverified(Doubt.BODY_NOT_SIGNED, "header x-twilio-signature")


@pytest.mark.parametrize("body", [b"&", b"&&&"])
def test_a_form_without_a_field_covers_nothing(body: bytes) -> None:
    expected = Unverified(Doubt.BODY_NOT_SIGNED, "header x-twilio-signature")
    assert SENDER.verify(called(URL, body=body)) == expected


def test_json_that_is_called_a_form_is_refused() -> None:
    call = with_header(twilio_json(NEW), "content-type", FORM_TYPE.encode())
    assert SENDER.verify(call) == MISMATCH


@pytest.mark.parametrize("kind", [JSON_TYPE, FORM_TYPE, ""])
def test_a_call_without_a_body_is_covered_by_its_address(kind: str) -> None:
    assert SENDER.verify(called(URL, kind=kind)) == Verified()


def test_a_body_can_not_be_dropped_from_a_signed_call() -> None:
    expected = Unverified(Doubt.MISMATCH, "query parameter bodySHA256")
    assert SENDER.verify(changed(twilio_json(NEW), body=b"")) == expected
    as_form = with_header(changed(twilio_json(NEW), body=b"&"), "content-type", FORM_TYPE.encode())
    assert SENDER.verify(as_form) == expected


@pytest.mark.parametrize(
    ("query", "doubt"),
    [
        ("bodySHA256=", Doubt.EMPTY),
        ("bodySHA256=00", Doubt.MISMATCH),
        ("bodySHA256={digest}&bodySHA256={digest}", Doubt.REPEATED),
        ("bodySHA256=%ff", Doubt.UNREADABLE),
    ],
)
def test_the_hash_of_the_body_must_stand_in_the_address_once(query: str, doubt: Doubt) -> None:
    url = URL + b"?" + query.format(digest=hashlib.sha256(BODY).hexdigest()).encode()
    verdict = SENDER.verify(called(url, url=url, body=BODY, kind=JSON_TYPE))
    assert verdict == Unverified(doubt, "query parameter bodySHA256")


def test_the_hash_of_the_body_may_be_in_capitals() -> None:
    url = URL + b"?bodySHA256=" + hashlib.sha256(BODY).hexdigest().upper().encode()
    assert SENDER.verify(called(url, url=url, body=BODY, kind=JSON_TYPE)) == Verified()


@pytest.mark.parametrize("query", [b"bodySHA256x=1", b"x=bodySHA256"])
def test_a_parameter_with_a_similar_name_is_not_the_hash(query: bytes) -> None:
    url = URL + b"?" + query
    expected = Unverified(Doubt.BODY_NOT_SIGNED, "header x-twilio-signature")
    assert SENDER.verify(called(url, url=url, body=BODY, kind=JSON_TYPE)) == expected


def test_a_form_of_too_many_fields_is_not_read() -> None:
    body = b"&".join([b"a=1"] * (MAX_FORM_FIELDS + 1))
    assert SENDER.verify(called(URL + b"a1", body=body)) == Unverified(Doubt.UNREADABLE, "form body")


@pytest.mark.parametrize(
    ("settings", "algorithm"),
    [
        ("key=webhooks_sharedkey_1,algorithm=HMAC_SHA256", "sha256"),
        ("algorithm=HMAC_SHA256, key=webhooks_sharedkey_1", "sha256"),
        ("key=webhooks_sharedkey_1,algorithm=HMAC_SHA1", "sha1"),
        ("key=webhooks_sharedkey_1", "sha1"),
    ],
)
def test_a_shared_key_signs_with_the_algorithm_that_its_header_names(settings: str, algorithm: str) -> None:
    call = called(URL + b"a1", body=b"a=1", algorithm=algorithm)
    assert SENDER.verify(with_header(call, SETTINGS, settings.encode())) == Verified()


@pytest.mark.parametrize("settings", ["algorithm=HMAC_MD5", "algorithm=", "algorithm=none"])
def test_an_unknown_algorithm_is_refused(settings: str) -> None:
    call = with_header(twilio_form(NEW), SETTINGS, settings.encode())
    assert SENDER.verify(call) == Unverified(Doubt.UNSUPPORTED, f"header {SETTINGS}")


def test_the_signature_must_be_of_the_algorithm_that_was_named() -> None:
    call = with_header(twilio_form(NEW), SETTINGS, b"algorithm=HMAC_SHA256")
    assert SENDER.verify(call) == MISMATCH


pairs = st.lists(st.tuples(st.text(min_size=1, max_size=6), st.text(max_size=9)), min_size=1, max_size=5)


@given(pairs)
def test_whatever_text_a_form_holds_its_order_on_the_wire_does_not_matter(fields: list[tuple[str, str]]) -> None:
    signed = URL + "".join(name + value for name, value in sorted(set(fields))).encode()
    for order in (fields, fields[::-1]):
        body = b"&".join(_escaped(name) + b"=" + _escaped(value) for name, value in order)
        assert SENDER.verify(called(signed, body=body)) == Verified()


def _escaped(text: str) -> bytes:
    return b"".join(b"%%%02X" % byte for byte in text.encode())


def test_the_sample_form_is_the_one_of_the_specification() -> None:
    assert SENDER.verify(changed(twilio_form(NEW), body=FORM.replace(b"Hello", b"hello"))) == MISMATCH
