"""Standard Webhooks: its list of signatures, its two kinds of keys, and agreement with the official library."""

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from carewire_ingress.domain.senders.signature import MAX_SIGNATURES
from carewire_ingress.domain.senders.signed_call import SignedCall
from carewire_ingress.domain.senders.standard_webhooks import StandardWebhooks, read_key
from carewire_ingress.domain.senders.verdict import Doubt, Unverified, Verified
from carewire_testing_ingress.proofs import (
    BODY,
    NEW,
    OLD,
    STRANGE,
    asymmetric_webhooks,
    changed,
    ed25519,
    ed25519_public,
    standard_webhooks,
    with_header,
)

SIGNATURE = "webhook-signature"
FAULT = f"header {SIGNATURE}"
SENDER = StandardWebhooks((read_key(NEW),))
FALSE = "v1," + base64.b64encode(bytes(32)).decode()


def signature_of(call: SignedCall) -> str:
    (value,) = call.values(SIGNATURE)
    return value.decode()


def signed_as(*signatures: str) -> SignedCall:
    return with_header(standard_webhooks(NEW), SIGNATURE, " ".join(signatures).encode())


RIGHT = signature_of(standard_webhooks(NEW))
RIGHT_ED25519 = signature_of(asymmetric_webhooks("seed"))


@pytest.mark.parametrize(
    ("signatures", "verified"),
    [
        pytest.param([RIGHT], True, id="alone"),
        pytest.param([FALSE, RIGHT], True, id="after one of another secret"),
        pytest.param([RIGHT, FALSE], True, id="before one of another secret"),
        pytest.param([FALSE, "v2," + RIGHT[3:], RIGHT, FALSE], True, id="amid others, as in the official tests"),
        pytest.param(["v1a," + base64.b64encode(bytes(64)).decode(), RIGHT], True, id="beside an asymmetric one"),
        pytest.param(["nonsense", RIGHT], True, id="beside what no version knows"),
        pytest.param([FALSE], False, id="another secret"),
        pytest.param([FALSE, FALSE], False, id="two other secrets"),
        pytest.param(["v1," + RIGHT[3:11] + "A" + RIGHT[12:]], False, id="one letter off"),
        pytest.param(["v1,"], False, id="empty"),
        pytest.param(["v1a," + RIGHT[3:]], False, id="under the name of the asymmetric version"),
    ],
)
def test_one_right_signature_among_those_sent_is_enough(signatures: list[str], verified: bool) -> None:
    verdict = SENDER.verify(signed_as(*signatures))
    assert verdict == (Verified() if verified else Unverified(Doubt.MISMATCH, FAULT))


@pytest.mark.parametrize(
    "signatures", [["v2," + RIGHT[3:]], ["v1"], [RIGHT[3:]], ["V1" + RIGHT[2:]], [RIGHT.replace(",", "=")]]
)
def test_a_header_without_any_known_version_is_not_in_form(signatures: list[str]) -> None:
    assert SENDER.verify(signed_as(*signatures)) == Unverified(Doubt.UNREADABLE, FAULT)


@pytest.mark.parametrize("text", ["v1,*", "v1,AAA", "v1,AA==AA", "v1a,_-8="])
def test_a_signature_that_is_no_base64_is_not_in_form(text: str) -> None:
    assert SENDER.verify(signed_as(text)) == Unverified(Doubt.UNREADABLE, FAULT)


def test_signatures_are_counted_before_they_are_looked_at() -> None:
    assert SENDER.verify(signed_as(*[FALSE] * (MAX_SIGNATURES - 1), RIGHT)) == Verified()
    assert SENDER.verify(signed_as(*[FALSE] * MAX_SIGNATURES, RIGHT)) == Unverified(Doubt.TOO_LONG, FAULT)


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
def test_the_id_and_the_time_are_signed_too(header: str) -> None:
    call = standard_webhooks(NEW)
    (value,) = call.values(header)
    assert SENDER.verify(with_header(call, header, value[:-1] + b"2")) == Unverified(Doubt.MISMATCH, FAULT)


def test_a_sender_may_move_from_shared_secrets_to_public_keys_without_a_gap() -> None:
    sender = StandardWebhooks((read_key(ed25519_public("seed")), read_key(NEW)))
    assert sender.verify(asymmetric_webhooks("seed")) == Verified(secret=0)
    assert sender.verify(standard_webhooks(NEW)) == Verified(secret=1)
    assert sender.verify(signed_as(RIGHT, RIGHT_ED25519)) == Verified(secret=0)


def test_an_asymmetric_signature_of_another_key_counts_for_nothing() -> None:
    sender = StandardWebhooks((read_key(ed25519_public("seed")),))
    assert sender.verify(asymmetric_webhooks("other")) == Unverified(Doubt.MISMATCH, FAULT)
    assert sender.verify(standard_webhooks(NEW)) == Unverified(Doubt.MISMATCH, FAULT)


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 128])
def test_an_asymmetric_signature_of_any_other_length_counts_for_nothing(length: int) -> None:
    sender = StandardWebhooks((read_key(ed25519_public("seed")),))
    call = signed_as("v1a," + base64.b64encode(bytes(length)).decode())
    assert sender.verify(call) == Unverified(Doubt.MISMATCH, FAULT)


def test_a_public_key_is_no_shared_secret() -> None:
    """Whoever knows the public key must not be able to sign with it as if it were shared."""
    public = ed25519("seed").public_key().public_bytes_raw()
    forged = standard_webhooks("whsec_" + base64.b64encode(public).decode())
    assert StandardWebhooks((read_key(ed25519_public("seed")),)).verify(forged) == Unverified(Doubt.MISMATCH, FAULT)


@given(st.sampled_from([NEW, OLD, STRANGE]), st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3))
def test_the_official_library_says_the_same(secret: str, payload: dict[str, str]) -> None:
    now = int(time.time())
    call = standard_webhooks(secret, json.dumps(payload).encode(), now)
    headers = {name.decode(): value.decode() for name, value in call.headers}
    try:
        Webhook(NEW).verify(call.body, headers)
        official = True
    except WebhookVerificationError:
        official = False
    assert isinstance(SENDER.verify(changed(call, received_at=now)), Verified) is official


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_secret_is_read_with_its_prefix_or_without_and_padded_or_not(length: int) -> None:
    text = base64.b64encode(bytes(length)).decode()
    for written in (text, text.rstrip("=")):
        assert read_key("whsec_" + written) == read_key(written) == bytes(length)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("whsec_" + base64.b64encode(bytes(23)).decode(), "24 to 64 bytes"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "24 to 64 bytes"),
        ("whsec_", "24 to 64 bytes"),
        ("whsec_not base64", "copy it as the sender shows it"),
        ("whsec_ü", "copy it as the sender shows it"),
        ("whpk_" + base64.b64encode(bytes(31)).decode(), "32 bytes"),
        ("whpk_*", "copy it as the sender shows it"),
        ("whsk_" + base64.b64encode(bytes(32)).decode(), "ask the sender for the public one"),
    ],
)
def test_a_key_that_can_not_be_right_is_refused_with_the_remedy_and_without_its_text(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy) as told:
        read_key(text)
    assert len(text) < 10 or text[5:15] not in str(told.value)


def test_the_delivery_id_stands_where_every_start_key_looks_first() -> None:
    assert (SENDER.delivery.header, SENDER.delivery.path) == (None, None)
    assert SENDER.verify(changed(standard_webhooks(NEW), body=BODY)) == Verified()
