"""Downstream: `verify` and `parse` read what Carewire sends, and refuse everything else with a reason."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from carewire_contracts.envelope import Envelope
from carewire_contracts.event_catalogue import EVENT_CATALOGUE, EventType
from carewire_contracts.events import PathwayCompleted
from carewire_contracts.receive import (
    ReceiveError,
    SignatureError,
    UnknownEventError,
    parse,
    parse_record,
    verify,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAAA9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 5, 1, 16, 40, 2, tzinfo=UTC)
BODY = EVENT_CATALOGUE["pathway.completed"].example


def signed(body: bytes = BODY, secret: str = SECRET, at: datetime = NOW) -> dict[str, str]:
    """Headers as the official library makes them."""
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(secret).sign("msg_1", at, body.decode()),
    }


@pytest.mark.parametrize("event", EVENT_CATALOGUE.values(), ids=EVENT_CATALOGUE)
def test_every_type_is_verified_and_read_into_its_model(event: EventType) -> None:
    received = verify(event.example, signed(event.example), SECRET, now=NOW)
    assert isinstance(received.event, event.model)
    assert (received.id, received.timestamp) == ("msg_1", NOW)


def test_during_a_rotation_either_secret_will_do() -> None:
    assert verify(BODY, signed(), OTHER, SECRET, now=NOW).id == "msg_1"
    both = signed() | {
        "Webhook-Signature": f"{signed(secret=OTHER)['Webhook-Signature']} {signed()['Webhook-Signature']}"
    }
    assert verify(BODY, both, SECRET, now=NOW).id == "msg_1"


def test_without_a_given_time_it_is_now() -> None:
    moment = datetime.now(UTC).replace(microsecond=0)
    assert verify(BODY, signed(at=moment), SECRET).timestamp == moment


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({}, "webhook-id, webhook-timestamp, webhook-signature"),
        (signed() | {"Webhook-Timestamp": "noon"}, "Unix time"),
        (signed() | {"Webhook-Timestamp": "9" * 30}, "Unix time"),
        (signed(at=NOW - timedelta(minutes=6)), "replay"),
        (signed(at=NOW + timedelta(minutes=6)), "replay"),
        (signed(secret=OTHER), "no signature matches"),
        (signed() | {"Webhook-Id": "msg_2"}, "no signature matches"),
        (signed() | {"Webhook-Signature": "v2,abc v1"}, "no signature matches"),
        (signed() | {"Webhook-Signature": "v1,\u00e9"}, "no signature matches"),
    ],
)
def test_what_is_not_from_carewire_or_not_lately_is_refused(headers: dict[str, str], says: str) -> None:
    with pytest.raises(SignatureError, match=says):
        verify(BODY, headers, SECRET, now=NOW)


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(SignatureError):
        verify(BODY + b" ", signed(), SECRET, now=NOW)


def test_a_malformed_secret_is_said_to_be_so_and_not_shown() -> None:
    with pytest.raises(SignatureError, match="secret is malformed") as caught:
        verify(BODY, signed(), "whsec_not base64!", now=NOW)
    assert "not base64!" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"event_type":"step.completed"}', b'{"event_type":[]}', b"\xff"])
def test_an_unknown_type_is_refused(body: bytes) -> None:
    with pytest.raises(UnknownEventError, match="event_type"):
        parse(body)


def test_another_shape_names_the_fields_and_no_value() -> None:
    with pytest.raises(UnknownEventError, match=r"complete_date, pathway") as caught:
        parse(b'{"event_type":"pathway.completed","complete_date":"canary-1","pathway":"canary-2"}')
    assert "canary" not in str(caught.value)


@given(st.binary())
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    with pytest.raises(ReceiveError):
        parse(body)


def test_a_record_gives_its_envelope_and_its_event() -> None:
    envelope = Envelope("e1", "pathway.completed", "carewire/orchestrator", NOW, "care-flow", 18)
    assert parse_record(envelope.headers(), BODY) == (envelope, PathwayCompleted.model_validate_json(BODY))
