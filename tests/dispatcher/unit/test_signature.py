import base64
import hmac
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from carewire_dispatcher.domain.signature import encode_secret, sign, signed_headers

secrets = st.binary(min_size=24, max_size=64)


@given(secrets, st.text(st.characters(codec="utf-8")), st.uuids().map(str))
def test_the_official_library_verifies_our_signature(secret: bytes, text: str, webhook_id: str) -> None:
    body = text.encode()
    headers = signed_headers((secret,), webhook_id, int(time.time()), b'{"t":"' + body.hex().encode() + b'"}')
    Webhook(encode_secret(secret)).verify(b'{"t":"' + body.hex().encode() + b'"}', headers)


def test_during_a_rotation_both_secrets_verify() -> None:
    old, new = bytes(24), bytes(range(32))
    headers = signed_headers((new, old), "id", int(time.time()), b"{}")
    Webhook(encode_secret(old)).verify(b"{}", headers)
    Webhook(encode_secret(new)).verify(b"{}", headers)


def test_another_body_does_not_verify() -> None:
    headers = signed_headers((bytes(24),), "id", int(time.time()), b"{}")
    with pytest.raises(WebhookVerificationError):
        Webhook(encode_secret(bytes(24))).verify(b"[]", headers)


def test_the_vector_of_the_specification() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign((secret,), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == expected


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_whatever_the_secret_s_length_the_signature_is_that_of_the_standard_library(secret: bytes, body: bytes) -> None:
    expected = hmac.digest(secret, b"id.1." + body, "sha256")
    assert sign((secret,), "id", 1, body) == "v1," + base64.b64encode(expected).decode()


@given(secrets)
def test_a_secret_is_written_in_the_form_of_the_specification(secret: bytes) -> None:
    text = encode_secret(secret)
    assert text.startswith("whsec_")
    assert base64.b64decode(text.removeprefix("whsec_"), validate=True) == secret
