import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from carewire_dispatcher.domain.signature import decode_secret, encode_secret, sign, signed_headers

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
    secret = decode_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign((secret,), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == expected


@given(secrets)
def test_a_secret_survives_being_written(secret: bytes) -> None:
    assert decode_secret(encode_secret(secret)) == secret


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_*", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_a_broken_secret_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        decode_secret(text)
    value = text.removeprefix("whsec_")
    assert not value or value not in str(refused.value)
