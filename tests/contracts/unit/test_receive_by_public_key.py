"""Downstream without a secret: `verify` by a public key, beside secrets, and whatever form the body has."""

import base64
import sys
from datetime import UTC, datetime

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from carewire_contracts.event_catalogue import EVENT_CATALOGUE, EventType
from carewire_contracts.receive import SignatureError, UnknownEventError, parse, verify

NOW = datetime(2026, 5, 1, 16, 40, 2, tzinfo=UTC)
BODY = EVENT_CATALOGUE["pathway.completed"].example
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)


def public(key: Ed25519PrivateKey) -> str:
    return "whpk_" + base64.b64encode(key.public_key().public_bytes_raw()).decode()


def signature(key: Ed25519PrivateKey, body: bytes = BODY) -> str:
    """As the specification has it: `v1a`, of id, timestamp and body."""
    signed = b"msg_1.%d." % NOW.timestamp() + body
    return "v1a," + base64.b64encode(key.sign(signed)).decode()


def headers(*signatures: str) -> dict[str, str]:
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def by_secret(body: bytes = BODY) -> str:
    return str(Webhook(SECRET).sign("msg_1", NOW, body.decode()))


def test_the_vector_of_the_official_library() -> None:
    sent = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1a,"
        "tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==",
    }
    seed = base64.b64decode("VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=")
    key = public(Ed25519PrivateKey.from_private_bytes(seed))
    with pytest.raises(UnknownEventError):  # which comes after the signature
        verify(b'{"test": 2432232314}', sent, key, now=datetime.fromtimestamp(1614265330, UTC))


@pytest.mark.parametrize(
    ("signatures", "keys"),
    [
        ([signature(KEY)], [public(KEY)]),
        ([signature(KEY), signature(OTHER)], [public(OTHER)]),
        ([signature(OTHER)], [public(KEY), public(OTHER)]),
        ([by_secret(), signature(KEY)], [public(KEY)]),
        ([by_secret(), signature(KEY)], [SECRET]),
        ([by_secret()], [public(KEY), SECRET]),
        (["v1a,", "v1a,AAAA", "v1a,é", "v1a", signature(KEY)], [public(KEY)]),
    ],
    ids=["one", "both sign", "two are known", "a secret signs too", "its secret", "either will do", "among others"],
)
def test_one_key_that_fits_one_signature_is_enough(signatures: list[str], keys: list[str]) -> None:
    assert verify(BODY, headers(*signatures), *keys, now=NOW).id == "msg_1"


@pytest.mark.parametrize(
    "signatures",
    [
        [signature(OTHER)],
        [signature(KEY, BODY + b" ")],
        [signature(KEY).replace("v1a,", "v1,")],
        [by_secret()],
        ["v1a," + by_secret().partition(",")[2]],
        [],
    ],
    ids=["another key's", "of another body", "of another version", "a secret's", "a secret's as ours", "none"],
)
def test_what_the_key_did_not_sign_is_refused(signatures: list[str]) -> None:
    with pytest.raises(SignatureError, match="no signature matches"):
        verify(BODY, headers(*signatures), public(KEY), now=NOW)


@given(st.binary(max_size=40).filter(lambda raw: len(raw) != 32))
def test_a_key_of_another_length_is_said_to_be_none_and_not_shown(raw: bytes) -> None:
    key = "whpk_" + base64.b64encode(raw).decode()
    with pytest.raises(SignatureError, match="public key is malformed") as refused:
        verify(BODY, headers(signature(KEY)), key, now=NOW)
    assert len(raw) < 3 or key not in str(refused.value)


@pytest.mark.parametrize("key", ["whpk_%%%", "whpk_abc", "whpk_é"])
def test_a_key_that_is_no_base64_is_said_to_be_none(key: str) -> None:
    with pytest.raises(SignatureError, match="public key is malformed"):
        verify(BODY, headers(signature(KEY)), key, now=NOW)


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(ImportError, match=r"carewire-contracts\[ed25519\]"):
        verify(BODY, headers(signature(KEY)), public(KEY), now=NOW)
    assert verify(BODY, headers(by_secret()), SECRET, now=NOW).id == "msg_1"


@pytest.mark.parametrize("event", EVENT_CATALOGUE.values(), ids=EVENT_CATALOGUE)
def test_an_event_is_read_out_of_a_structured_cloud_event(event: EventType) -> None:
    described = {
        "specversion": "1.0",
        "id": "e",
        "type": event.name,
        "source": "s",
        "data": orjson.loads(event.example),
    }
    assert parse(orjson.dumps(described)) == parse(event.example)


@pytest.mark.parametrize("data", [None, "text", 7, [], {}, {"event_type": "step.completed"}])
def test_a_cloud_event_of_something_else_is_unknown(data: object) -> None:
    with pytest.raises(UnknownEventError):
        parse(orjson.dumps({"specversion": "1.0", "data": data}))
    with pytest.raises(UnknownEventError):
        parse(b'{"specversion":"1.0"}')
