"""Verification at its edges: forged bytes, stale stamps, rotated secrets, odd headers, and records of Kafka."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from carewire_contracts.envelope import Envelope, EnvelopeError, header
from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.receive import (
    TOLERANCE,
    ReceiveError,
    SignatureError,
    UnknownEventError,
    parse,
    parse_record,
    verify,
)

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_" + base64.b64encode(b"n" * 32).decode()
NOW = datetime(2026, 5, 1, 16, 40, 2, tzinfo=UTC)
BODY = EVENT_CATALOGUE["pathway.completed"].example


def signed(*secrets: str, body: bytes = BODY, at: datetime = NOW, id_: str = "msg_1") -> dict[str, str]:
    """Headers with a signature for each secret, as during a rotation."""
    signatures = [Webhook(secret).sign(id_, at, body.decode()) for secret in secrets]
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def reason(headers: dict[str, str], *secrets: str, body: bytes = BODY, **options: Any) -> str:
    with pytest.raises(SignatureError) as refused:
        verify(body, headers, *secrets, now=NOW, **options)
    return str(refused.value)


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_one_changed_byte_anywhere_is_noticed(place: int, change: int) -> None:
    forged = bytearray(BODY)
    forged[place] ^= change
    assert "no signature matches" in reason(signed(OLD), OLD, body=bytes(forged))


@pytest.mark.parametrize("body", [BODY + b"\n", b" " + BODY, BODY[:-1], b"", orjson.dumps(orjson.loads(BODY))])
def test_a_body_that_was_parsed_and_written_again_is_another_body(body: bytes) -> None:
    assert "verify the raw bytes" in reason(signed(OLD), OLD, body=body)


@pytest.mark.parametrize(
    ("offered", "known"),
    [((OLD,), (OLD,)), ((OLD,), (NEW, OLD)), ((NEW,), (OLD, NEW)), ((OLD, NEW), (NEW,)), ((OLD, NEW), (OLD, NEW))],
    ids=["one", "receiver has the new one already", "sender has", "both signed, one known", "both and both"],
)
def test_in_a_rotation_one_common_secret_is_enough(offered: tuple[str, ...], known: tuple[str, ...]) -> None:
    assert verify(BODY, signed(*offered), *known, now=NOW).id == "msg_1"


def test_without_a_common_secret_it_is_refused() -> None:
    assert "no signature matches" in reason(signed(OLD), NEW)


def test_without_any_secret_nothing_is_trusted() -> None:
    assert "no signature matches" in reason(signed(OLD))


@pytest.mark.parametrize("far", [-TOLERANCE, TOLERANCE], ids=["old", "new"])
def test_at_the_edge_of_the_tolerance_it_is_accepted_and_a_second_beyond_not(far: timedelta) -> None:
    assert verify(BODY, signed(OLD, at=NOW + far), OLD, now=NOW).timestamp == NOW + far
    beyond = far + timedelta(seconds=1 if far > timedelta() else -1)
    assert "too far from now" in reason(signed(OLD, at=NOW + beyond), OLD)


def test_a_receiver_may_choose_another_tolerance() -> None:
    hour = timedelta(hours=1)
    assert verify(BODY, signed(OLD, at=NOW - hour), OLD, now=NOW, tolerance=hour).timestamp == NOW - hour
    assert "replay" in reason(signed(OLD, at=NOW - timedelta(seconds=2)), OLD, tolerance=timedelta(seconds=1))


def test_a_stamp_that_was_moved_to_now_breaks_the_signature() -> None:
    stale = signed(OLD, at=NOW - timedelta(hours=1))
    assert "no signature matches" in reason(stale | {"webhook-timestamp": str(int(NOW.timestamp()))}, OLD)


@pytest.mark.parametrize("stamp", ["", "noon", "1.5", "0x10", "9" * 30, "-" + "9" * 30, "2026-05-01T16:40:02Z"])
def test_a_stamp_that_is_no_unix_time_is_said_so(stamp: str) -> None:
    assert reason(signed(OLD) | {"webhook-timestamp": stamp}, OLD) == "webhook-timestamp is no Unix time in seconds"


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_headers_are_found_in_any_case(spell: Any) -> None:
    headers = {spell(name): value for name, value in signed(OLD).items()}
    assert verify(BODY, headers, OLD, now=NOW).id == "msg_1"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(name: str) -> None:
    headers = {key: value for key, value in signed(OLD).items() if key != name}
    assert reason(headers, OLD) == f"missing headers: {name}"


@pytest.mark.parametrize("version", ["v0", "v1a", "v2", "", "V1"])
def test_a_signature_of_another_version_is_not_taken_for_ours(version: str) -> None:
    text = signed(OLD)["webhook-signature"].partition(",")[2]
    assert "no signature matches" in reason(signed(OLD) | {"webhook-signature": f"{version},{text}"}, OLD)


@pytest.mark.parametrize("noise", ["v1,", "v1", ",", "v1,AAAA", "v2,AAAA", "v1,é"])
def test_signatures_of_others_beside_ours_do_not_matter(noise: str) -> None:
    ours = signed(OLD)["webhook-signature"]
    for both in (f"{noise} {ours}", f"{ours} {noise}", f"  {ours}  {noise}  "):
        assert verify(BODY, signed(OLD) | {"webhook-signature": both}, OLD, now=NOW).id == "msg_1"


def test_a_secret_works_with_and_without_its_prefix() -> None:
    assert verify(BODY, signed(OLD), OLD.removeprefix("whsec_"), now=NOW).id == "msg_1"


@pytest.mark.parametrize("secret", ["whsec_%%%", "whpk_" + OLD.removeprefix("whsec_"), "whsec_abc", "sécret"])
def test_a_secret_of_another_shape_is_said_so_and_not_shown(secret: str) -> None:
    with pytest.raises((SignatureError, ValueError)) as refused:
        verify(BODY, signed(OLD), secret, now=NOW)
    assert secret not in str(refused.value)


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text(max_size=40)))
def test_no_headers_of_strangers_pass_or_raise_anything_else(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        verify(BODY, headers, OLD, now=NOW)


def test_an_event_of_tomorrow_is_verified_first_and_then_unknown() -> None:
    body = b'{"event_type": "of.tomorrow"}'
    with pytest.raises(UnknownEventError):
        verify(body, signed(OLD, body=body), OLD, now=NOW)
    with pytest.raises(SignatureError):
        verify(body, signed(NEW, body=body), OLD, now=NOW)


def test_both_errors_are_caught_as_one_and_as_value_errors() -> None:
    assert issubclass(SignatureError, ReceiveError)
    assert issubclass(UnknownEventError, ReceiveError)
    assert issubclass(ReceiveError, ValueError)


@pytest.mark.parametrize("name", EVENT_CATALOGUE)
def test_a_record_of_every_type_is_read_with_its_envelope(name: str) -> None:
    event = EVENT_CATALOGUE[name]
    envelope = Envelope("e1", name, "carewire/orchestrator", NOW, "about")
    found, read = parse_record(envelope.headers("00-" + "a" * 32 + "-" + "b" * 16 + "-01"), event.example)
    assert found == envelope
    assert read == parse(event.example)


def test_a_record_without_an_envelope_is_refused_by_its_missing_headers() -> None:
    with pytest.raises(EnvelopeError, match="missing headers ce_id"):
        parse_record([("content-type", b"application/json")], BODY)


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
ENVELOPES = st.builds(Envelope, id=TEXT, type=TEXT, source=TEXT, time=MOMENTS, subject=st.none() | TEXT)


@given(ENVELOPES, st.none() | TEXT, st.randoms())
def test_an_envelope_is_read_back_from_its_headers_in_any_order(
    envelope: Envelope, traceparent: str | None, random: Any
) -> None:
    headers = envelope.headers(traceparent)
    random.shuffle(headers)
    assert Envelope.of(headers) == envelope
    assert header(headers, "traceparent") == traceparent


@given(ENVELOPES)
def test_headers_of_others_do_not_matter(envelope: Envelope) -> None:
    assert Envelope.of([("x-other", b"\xff\xfe"), *envelope.headers(), ("ce_custom", b"1")]) == envelope


@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_source", "ce_time"])
def test_each_attribute_that_is_missing_is_named(name: str) -> None:
    headers = Envelope("e1", "t", "s", NOW).headers()
    with pytest.raises(EnvelopeError, match=f"missing headers {name}$"):
        Envelope.of([(key, value) for key, value in headers if key != name])


@pytest.mark.parametrize("version", [b"0.3", b"1.0.2", b"2.0", b""])
def test_another_version_of_the_specification_is_refused(version: bytes) -> None:
    headers = [("ce_specversion", version), *Envelope("e1", "t", "s", NOW).headers()[1:]]
    with pytest.raises(EnvelopeError, match="check header ce_specversion"):
        Envelope.of(headers)
    with pytest.raises(EnvelopeError, match="check header ce_specversion"):
        Envelope.of(headers[1:])


def test_bytes_that_are_no_text_are_read_as_far_as_they_are() -> None:
    headers = [(key, b"\xff1" if key == "ce_id" else value) for key, value in Envelope("e", "t", "s", NOW).headers()]
    assert Envelope.of(headers).id == "\ufffd1"
