"""The envelope: CloudEvents 1.0 in binary mode, as Kafka headers."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.envelope import Envelope, EnvelopeError, header

ENVELOPE = Envelope(
    id="0199f0e2-0000-7000-8000-000000000001",
    type="pathway.completed",
    source="carewire/orchestrator",
    time=datetime(2026, 5, 1, 16, 40, 2, tzinfo=UTC),
    subject="q7RkP2mVtZ4a",
)


def test_attributes_are_headers_with_the_prefix_of_the_kafka_binding() -> None:
    assert ENVELOPE.headers(traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01") == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"0199f0e2-0000-7000-8000-000000000001"),
        ("ce_type", b"pathway.completed"),
        ("ce_source", b"carewire/orchestrator"),
        ("ce_time", b"2026-05-01T16:40:02.000Z"),
        ("content-type", b"application/json"),
        ("ce_subject", b"q7RkP2mVtZ4a"),
        ("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"),
    ]


NUMBERS = st.integers(1, 10**10 - 1)


@given(st.text(min_size=1), st.text(min_size=1), st.none() | st.text(min_size=1), st.none() | NUMBERS)
def test_what_is_written_is_read_back(
    event_id: str, event_type: str, subject: str | None, sequence: int | None
) -> None:
    try:
        (event_id + event_type + (subject or "")).encode()
    except UnicodeEncodeError:
        return
    envelope = Envelope(event_id, event_type, "here", ENVELOPE.time, subject, sequence)
    assert Envelope.of(envelope.headers()) == envelope


@given(NUMBERS, NUMBERS)
def test_sequences_sort_as_text_as_they_do_as_numbers(one: int, other: int) -> None:
    """The extension wants it so: whoever compares headers takes none for later than it is."""
    first, second = (header(replace(ENVELOPE, sequence=number).headers(), "ce_sequence") for number in (one, other))
    assert first is not None
    assert second is not None
    assert (first < second) is (one < other)


def test_an_event_that_is_not_numbered_has_no_header_for_it() -> None:
    assert header(ENVELOPE.headers(), "ce_sequence") is None
    assert Envelope.of(ENVELOPE.headers()).sequence is None
    assert header(replace(ENVELOPE, sequence=7).headers(), "ce_sequence") == "0000000007"


@pytest.mark.parametrize("value", ["", "seven", "-7", "+7", "7.0", "1_0", "\u0667"])
def test_a_sequence_that_is_no_number_in_digits_is_named_without_its_value(value: str) -> None:
    with pytest.raises(EnvelopeError, match="ce_sequence") as caught:
        Envelope.of([*ENVELOPE.headers(), ("ce_sequence", value.encode())])
    assert not value or value not in str(caught.value)


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(EnvelopeError, match="ce_id, ce_type, ce_source, ce_time"):
        Envelope.of([("content-type", b"application/json")])


@pytest.mark.parametrize(
    ("name", "value"), [("ce_specversion", b"0.3"), ("ce_time", b"noon"), ("ce_time", b"2026-05-01T16:40:02")]
)
def test_an_unreadable_attribute_is_named_without_its_value(name: str, value: bytes) -> None:
    headers = [(key, value if key == name else old) for key, old in ENVELOPE.headers()]
    with pytest.raises(EnvelopeError, match=name) as caught:
        Envelope.of(headers)
    assert value.decode() not in str(caught.value)


def test_one_header_can_be_asked_for() -> None:
    assert header(ENVELOPE.headers(), "ce_type") == "pathway.completed"
    assert header(ENVELOPE.headers(), "traceparent") is None
