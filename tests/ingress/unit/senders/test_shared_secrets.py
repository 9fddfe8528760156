"""Senders that send the secret itself: Basic, a key in a header, Microsoft's client state."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_ingress.domain.senders.api_key import ApiKey
from carewire_ingress.domain.senders.basic import Basic
from carewire_ingress.domain.senders.microsoft_graph import MicrosoftGraph
from carewire_ingress.domain.senders.verdict import Doubt, Unverified, Verified
from carewire_testing_ingress.proofs import signed_call

BASIC = Basic(b"clinic", (b"new:pass", b"old pass"))
UNREADABLE = Unverified(Doubt.UNREADABLE, "header authorization")
MISMATCH = Unverified(Doubt.MISMATCH, "header authorization")


def credentials(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        pytest.param("Basic " + credentials("clinic:new:pass"), Verified(0), id="a password with a colon"),
        pytest.param("Basic " + credentials("clinic:old pass"), Verified(1), id="the password before"),
        pytest.param("basic " + credentials("clinic:new:pass"), Verified(0), id="the scheme in small letters"),
        pytest.param("BASIC   " + credentials("clinic:new:pass"), Verified(0), id="several spaces"),
        pytest.param("Basic " + credentials("clinic:"), MISMATCH, id="no password"),
        pytest.param("Basic " + credentials("clinic"), MISMATCH, id="no colon"),
        pytest.param("Basic " + credentials("clinic:new:pas"), MISMATCH, id="a letter less"),
        pytest.param("Basic " + credentials("clinic:new:pass\n"), MISMATCH, id="a newline more"),
        pytest.param("Basic " + credentials("Clinic:new:pass"), MISMATCH, id="the user in capitals"),
        pytest.param("Basic " + credentials("new:pass:clinic"), MISMATCH, id="the other way round"),
        pytest.param("Basic " + credentials("clinic:new"), MISMATCH, id="half of the password"),
        pytest.param("Basic clinic:new:pass", UNREADABLE, id="not encoded"),
        pytest.param("Basic " + credentials("clinic:x").rstrip("="), UNREADABLE, id="without padding"),
        pytest.param("Bearer " + credentials("clinic:new:pass"), UNREADABLE, id="another scheme"),
        pytest.param(credentials("clinic:new:pass"), UNREADABLE, id="no scheme"),
        pytest.param("Basic", MISMATCH, id="the scheme alone"),
    ],
)
def test_basic(value: str, verdict: Verified | Unverified) -> None:
    assert BASIC.verify(signed_call({"authorization": value})) == verdict


@given(st.text(max_size=20).filter(lambda user: ":" not in user), st.text(max_size=20), st.text(max_size=20))
def test_basic_takes_the_one_password_of_the_one_user(user: str, password: str, other: str) -> None:
    sender = Basic(user.encode(), (password.encode(),))
    sent = sender.verify(signed_call({"authorization": "Basic " + credentials(f"{user}:{other}")}))
    assert isinstance(sent, Verified) is (password == other)


API_KEY = ApiKey((b"key-2", b"key-1"), "X-API-Key")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"key-2", 0),
        (b"key-1", 1),
        (b"key-", None),
        (b"key-22", None),
        (b"KEY-2", None),
        (b"\xff", None),
        (b"key-2, key-1", None),
    ],
)
def test_a_key_counts_as_it_stands(value: bytes, expected: int | None) -> None:
    mismatch = Unverified(Doubt.MISMATCH, "header X-API-Key")
    verdict = API_KEY.verify(signed_call({"x-api-key": value}))
    assert verdict == (mismatch if expected is None else Verified(expected))


@pytest.mark.parametrize(
    ("value", "doubt"),
    [
        ("Bearer key-1", None),
        ("bearer key-1", Doubt.UNREADABLE),
        ("key-1", Doubt.UNREADABLE),
        ("Bearer", Doubt.UNREADABLE),
        ("Bearer Bearer key-1", Doubt.MISMATCH),
        ("Bearer  key-1", Doubt.MISMATCH),
    ],
)
def test_a_key_may_stand_after_a_word(value: str, doubt: Doubt | None) -> None:
    sender = ApiKey((b"key-1",), "Authorization", b"Bearer ")
    verdict = sender.verify(signed_call({"authorization": value}))
    assert verdict == (Verified() if doubt is None else Unverified(doubt, "header Authorization"))


def test_a_key_in_another_header_is_none() -> None:
    assert API_KEY.verify(signed_call({"x-key": "key-1"})) == Unverified(Doubt.MISSING, "header X-API-Key")


GRAPH = MicrosoftGraph((b"state-2", b"state-1"))


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        pytest.param(["state-2"], Verified(0), id="one notification"),
        pytest.param(["state-2", "state-2"], Verified(0), id="several"),
        pytest.param(["state-2", "state-1"], Verified(1), id="during a rotation"),
        pytest.param(["state-2", "other"], Unverified(Doubt.MISMATCH, "clientState in the body"), id="one of another"),
        pytest.param(["other"], Unverified(Doubt.MISMATCH, "clientState in the body"), id="another"),
        pytest.param(["state-2", None], Unverified(Doubt.MISSING, "clientState in the body"), id="one without"),
        pytest.param([2], Unverified(Doubt.MISSING, "clientState in the body"), id="a number"),
        pytest.param([], Unverified(Doubt.MISSING, "clientState in the body"), id="no notification"),
    ],
)
def test_every_notification_of_microsoft_graph_repeats_the_client_state(
    states: list[Any], verdict: Verified | Unverified
) -> None:
    body = json.dumps({"value": [{"clientState": state, "changeType": "created"} for state in states]}).encode()
    assert GRAPH.verify(signed_call({}, body)) == verdict


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"null", b'{"value": {}}', b'{"value": null}', b'{"value": ["state-1"]}']
)
def test_a_body_without_notifications_proves_nothing(body: bytes) -> None:
    assert GRAPH.verify(signed_call({}, body)) == Unverified(Doubt.MISSING, "clientState in the body")
