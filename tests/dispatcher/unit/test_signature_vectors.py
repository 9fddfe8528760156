"""Signatures against the specification, its official library, and a receiver that knows nothing but HMAC."""

import base64
import hashlib
import hmac
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from carewire_dispatcher.domain.signature import encode_secret, sign, signed_headers

SECRET = bytes(range(32))
secrets = st.binary(min_size=24, max_size=64)
bodies = st.binary(max_size=300)
ids = st.text(st.characters(codec="ascii", exclude_characters="."), min_size=1, max_size=40)


def by_hand(secret: bytes, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The algorithm of Standard Webhooks 1.0.0, written as its text has it."""
    to_sign = b"%s.%d.%s" % (webhook_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.new(secret, to_sign, hashlib.sha256).digest()).decode()


@given(st.lists(secrets, min_size=1, max_size=3), ids, st.integers(0, 2**40), bodies)
def test_a_receiver_that_knows_the_specification_alone_finds_its_signature_among_those_sent(
    keys: list[bytes], webhook_id: str, timestamp: int, body: bytes
) -> None:
    headers = signed_headers(keys, webhook_id, timestamp, body)
    assert headers["webhook-signature"].split(" ") == [by_hand(key, webhook_id, timestamp, body) for key in keys]
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (webhook_id, str(timestamp))


@given(secrets, ids, bodies.filter(lambda body: body != b""))
def test_each_part_is_covered_by_the_signature(secret: bytes, webhook_id: str, body: bytes) -> None:
    signature = sign([secret], webhook_id, 1_700_000_000, body)
    flipped = bytes([body[0] ^ 1]) + body[1:]
    others = [
        sign([secret], webhook_id + "x", 1_700_000_000, body),
        sign([secret], webhook_id, 1_700_000_001, body),
        sign([secret], webhook_id, 1_700_000_000, flipped),
        sign([bytes([secret[0] ^ 1]) + secret[1:]], webhook_id, 1_700_000_000, body),
    ]
    assert signature not in others


@pytest.mark.parametrize("late", [-400, 400])
def test_a_signature_is_good_for_five_minutes_with_the_official_library(late: int) -> None:
    headers = signed_headers([SECRET], "id", int(time.time()) + late, b"{}")
    with pytest.raises(WebhookVerificationError, match="timestamp"):
        Webhook(encode_secret(SECRET)).verify(b"{}", headers)


def test_one_byte_of_white_space_in_the_body_breaks_the_signature() -> None:
    headers = signed_headers([SECRET], "id", int(time.time()), b'{"a":1}')
    Webhook(encode_secret(SECRET)).verify(b'{"a":1}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(encode_secret(SECRET)).verify(b'{"a": 1}', headers)


def test_without_a_secret_nothing_is_signed() -> None:
    assert sign([], "id", 1, b"{}") == ""
