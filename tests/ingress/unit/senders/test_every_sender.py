"""What holds for every sender alike: rotation, time, strange headers, and no bytes that make it raise."""

import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.requests import ReasonCode
from carewire_ingress.domain.senders.freshness import TOLERANCE_S
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.sender_scheme import SENDER_SCHEME
from carewire_ingress.domain.senders.signed_call import MAX_VALUE_LENGTH, SignedCall
from carewire_ingress.domain.senders.verdict import Challenge, Doubt, Unverified, Verified
from carewire_testing_ingress.proofs import (
    BODY,
    NEW,
    NOW,
    OLD,
    PROOFS,
    STRANGE,
    Proof,
    changed,
    signed_call,
    with_header,
)

NAMES = list(PROOFS)
HEADERS = [
    pytest.param(proof, header, id=f"{name}: {header}") for name, proof in PROOFS.items() for header in proof.headers
]
TIMED = [name for name, proof in PROOFS.items() if proof.timed]
UNTIMED = [name for name, proof in PROOFS.items() if not proof.timed]


def sender_of(proof: Proof, *secrets: str) -> Sender:
    entered: dict[str, Any] = {**proof.scheme, "secrets": [proof.entered(secret) for secret in secrets]}
    scheme = SENDER_SCHEME.validate_python(entered)
    return scheme.sender(scheme.entered())


def doubt_about(verdict: Verified | Unverified | Challenge | None) -> Doubt:
    assert isinstance(verdict, Unverified)
    return verdict.doubt


@pytest.mark.parametrize("name", NAMES)
def test_a_call_that_was_signed_with_the_secret_is_verified(name: str) -> None:
    proof = PROOFS[name]
    assert sender_of(proof, NEW).verify(proof.sign(NEW)) == Verified()


@pytest.mark.parametrize("name", NAMES)
def test_during_a_rotation_both_secrets_count_and_the_verdict_tells_which_one_it_was(name: str) -> None:
    proof = PROOFS[name]
    sender = sender_of(proof, NEW, OLD)
    assert sender.verify(proof.sign(NEW)) == Verified(secret=0)
    assert sender.verify(proof.sign(OLD)) == Verified(secret=1)


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_that_is_not_configured_counts_for_nothing(name: str) -> None:
    proof = PROOFS[name]
    assert doubt_about(sender_of(proof, NEW, OLD).verify(proof.sign(STRANGE))) is Doubt.MISMATCH


@pytest.mark.parametrize("name", NAMES)
def test_after_a_rotation_the_old_secret_counts_no_more(name: str) -> None:
    proof = PROOFS[name]
    assert doubt_about(sender_of(proof, NEW).verify(proof.sign(OLD))) is Doubt.MISMATCH


@pytest.mark.parametrize("name", [name for name in NAMES if PROOFS[name].covers_body])
@pytest.mark.parametrize("change", [b" ", b"\x00", b"\n"], ids=["space", "NUL", "newline"])
def test_one_byte_more_in_the_body_breaks_the_signature(name: str, change: bytes) -> None:
    proof = PROOFS[name]
    call = proof.sign(NEW)
    verdict = sender_of(proof, NEW).verify(changed(call, body=call.body + change))
    assert doubt_about(verdict) is Doubt.MISMATCH


@pytest.mark.parametrize("name", [name for name in NAMES if PROOFS[name].covers_body and name != "twilio_form"])
@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe\x00not text", b"{", b"[]" * 500], ids=["empty", "bytes", "half", "long"]
)
def test_the_raw_bytes_are_verified_whatever_they_are(name: str, body: bytes) -> None:
    proof = PROOFS[name]
    assert sender_of(proof, NEW).verify(proof.sign(NEW, body)) == Verified()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"standard_webhooks_ed25519", "sendgrid"}])
def test_shared_secrets_are_compared_in_constant_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but `compare_digest` decides: where it says no, nobody is believed."""
    proof = PROOFS[name]
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: False)
    assert doubt_about(sender_of(proof, NEW).verify(proof.sign(NEW))) is Doubt.MISMATCH


@pytest.mark.parametrize(("proof", "header"), HEADERS)
def test_a_missing_header_is_named(proof: Proof, header: str) -> None:
    verdict = sender_of(proof, NEW).verify(with_header(proof.sign(NEW), header))
    assert isinstance(verdict, Unverified)
    assert (verdict.doubt, verdict.where.lower()) == (Doubt.MISSING, f"header {header}")


@pytest.mark.parametrize(("proof", "header"), HEADERS)
def test_a_repeated_header_is_refused_even_if_both_are_right(proof: Proof, header: str) -> None:
    call = proof.sign(NEW)
    (value,) = call.values(header)
    assert doubt_about(sender_of(proof, NEW).verify(with_header(call, header, value, value))) is Doubt.REPEATED


@pytest.mark.parametrize(("proof", "header"), HEADERS)
@pytest.mark.parametrize("value", [b"", b"  ", b"\t"], ids=["nothing", "spaces", "tab"])
def test_an_empty_header_is_refused(proof: Proof, header: str, value: bytes) -> None:
    assert doubt_about(sender_of(proof, NEW).verify(with_header(proof.sign(NEW), header, value))) is Doubt.EMPTY


@pytest.mark.parametrize(("proof", "header"), HEADERS)
def test_an_absurdly_long_header_is_refused_unread(proof: Proof, header: str) -> None:
    call = with_header(proof.sign(NEW), header, b"1" * (MAX_VALUE_LENGTH + 1))
    assert doubt_about(sender_of(proof, NEW).verify(call)) is Doubt.TOO_LONG


@pytest.mark.parametrize(
    ("proof", "header"), [case for case in HEADERS if case.values[1] not in {"webhook-id", "x-clinic-key"}]
)
@pytest.mark.parametrize(
    "value", [b"\xff\xfe", "signé".encode(), b"\x00", b"=;=,"], ids=["bytes", "UTF-8", "NUL", "signs"]
)
def test_a_header_that_can_not_be_read_is_refused(proof: Proof, header: str, value: bytes) -> None:
    assert doubt_about(sender_of(proof, NEW).verify(with_header(proof.sign(NEW), header, value))) is Doubt.UNREADABLE


@pytest.mark.parametrize(("proof", "header"), HEADERS)
@pytest.mark.parametrize("written", [str.lower, str.upper, str.title], ids=["lower", "upper", "title"])
def test_the_names_of_headers_count_in_any_case(proof: Proof, header: str, written: Any) -> None:
    call = proof.sign(NEW)
    headers = [(written(key.decode()).encode(), value) for key, value in call.headers]
    assert sender_of(proof, NEW).verify(changed(call, headers=headers)) == Verified()


@pytest.mark.parametrize(("proof", "header"), HEADERS)
def test_white_space_around_a_value_is_no_part_of_it(proof: Proof, header: str) -> None:
    call = proof.sign(NEW)
    (value,) = call.values(header)
    assert sender_of(proof, NEW).verify(with_header(call, header, b"\t " + value + b"  ")) == Verified()


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize(
    ("age", "doubt"),
    [
        pytest.param(0, None, id="now"),
        pytest.param(TOLERANCE_S, None, id="5 minutes old"),
        pytest.param(TOLERANCE_S + 0.1, Doubt.TOO_OLD, id="a moment older"),
        pytest.param(86_400, Doubt.TOO_OLD, id="a day old"),
        pytest.param(-TOLERANCE_S, None, id="5 minutes ahead"),
        pytest.param(-TOLERANCE_S - 0.1, Doubt.TOO_NEW, id="a moment more"),
        pytest.param(-86_400, Doubt.TOO_NEW, id="a day ahead"),
    ],
)
def test_a_timestamp_counts_within_5_minutes_of_our_clock(name: str, age: float, doubt: Doubt | None) -> None:
    proof = PROOFS[name]
    verdict = sender_of(proof, NEW).verify(changed(proof.sign(NEW), received_at=NOW + age))
    assert verdict == Verified() if doubt is None else doubt_about(verdict) is doubt


@pytest.mark.parametrize(("proof", "header"), [case for case in HEADERS if "time" in str(case.values[1])])
def test_a_timestamp_is_part_of_what_is_signed(proof: Proof, header: str) -> None:
    (later,) = proof.sign(NEW, at=NOW + 1).values(header)
    verdict = sender_of(proof, NEW).verify(with_header(proof.sign(NEW), header, later))
    assert doubt_about(verdict) is Doubt.MISMATCH


@pytest.mark.parametrize("name", UNTIMED)
def test_a_scheme_without_a_timestamp_asks_for_none(name: str) -> None:
    proof = PROOFS[name]
    assert sender_of(proof, NEW).verify(changed(proof.sign(NEW), received_at=NOW + 86_400)) == Verified()


@pytest.mark.parametrize("name", NAMES)
def test_an_ordinary_call_is_no_handshake(name: str) -> None:
    proof = PROOFS[name]
    assert sender_of(proof, NEW).handshake(proof.sign(NEW)) is None


@pytest.mark.parametrize("doubt", list(Doubt))
def test_every_doubt_makes_a_reason_that_says_where_what_and_what_to_do(doubt: Doubt) -> None:
    reason = Unverified(doubt, "header x").reason
    assert reason.code is ReasonCode.UNAUTHENTICATED
    assert (reason.path, reason.found) == ("header x", doubt.value)
    assert reason.message.startswith(f"The sender could not be verified: header x {doubt.value}; ")


@pytest.mark.parametrize("name", NAMES)
def test_neither_secrets_nor_calls_show_in_a_representation(name: str) -> None:
    proof = PROOFS[name]
    shown = repr(sender_of(proof, NEW)) + repr(proof.sign(NEW)) + repr(sender_of(proof, OLD).verify(proof.sign(NEW)))
    for value in (NEW, NEW.encode().hex(), "Ada", "token"):
        assert value not in shown


names = st.sampled_from(sorted({header for proof in PROOFS.values() for header in proof.headers} | {"content-type"}))
values = st.one_of(
    st.binary(max_size=80),
    st.sampled_from(
        [
            *(
                b"v1,",
                b"v1a,AA==",
                b"sha256=00",
                b"v0=",
                b"t=1,v1=00",
                b"Basic ",
                b"Basic AA==",
                b"%d" % NOW,
                b"9" * 40,
            ),
            *(b"application/x-www-form-urlencoded", b"algorithm=", b"-1", "é".encode()),
        ]
    ),
)
URL_START = b"https://hooks.example.org/hooks/t?"
urls = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda query: URL_START + query, st.binary(max_size=60)),
    st.sampled_from([b"http://[", b"https://h?validationToken=%ff", b"?challenge=a&challenge=b", b"https://h:99999/"]),
)
bodies = st.one_of(
    st.binary(max_size=120),
    st.sampled_from([BODY, b"[" * 5_000, b'{"value":[1]}', b'{"type":"url_verification","challenge":1}', b"a=%ff&a"]),
    st.sampled_from([b'{"event":"endpoint.url_validation","payload":[]}', b'"\\ud800"', b'{"value":{}}', b"1e999"]),
)
calls = st.builds(
    SignedCall,
    st.sampled_from(["GET", "POST", "PUT", ""]),
    urls,
    st.lists(st.tuples(st.one_of(names.map(str.encode), st.binary(max_size=8)), values), max_size=6),
    bodies,
    st.sampled_from([0, NOW, NOW + 0.5, 1e12]),
)


@pytest.mark.parametrize("name", NAMES)
@given(call=calls)
def test_no_call_whatsoever_raises_and_none_without_the_secret_is_verified(name: str, call: SignedCall) -> None:
    sender = sender_of(PROOFS[name], NEW, OLD)
    assert isinstance(sender.verify(call), Unverified)
    assert isinstance(sender.handshake(call), Unverified | Challenge | None)


@pytest.mark.parametrize("name", NAMES)
@given(at=st.integers(0, 2**36), body=st.binary(max_size=200))
def test_whatever_is_signed_with_the_secret_is_verified(name: str, at: int, body: bytes) -> None:
    proof = PROOFS[name]
    call = proof.sign(NEW, at=at) if name == "twilio_form" else proof.sign(NEW, body, at)
    assert sender_of(proof, OLD, NEW).verify(changed(call, received_at=at)) == Verified(secret=1)


@pytest.mark.parametrize("name", NAMES)
def test_a_bare_call_is_refused(name: str) -> None:
    assert doubt_about(sender_of(PROOFS[name], NEW).verify(signed_call({}, b""))) is Doubt.MISSING
