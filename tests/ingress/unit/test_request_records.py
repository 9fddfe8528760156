import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.envelope import Envelope
from carewire_contracts.identifiers import Identifier
from carewire_contracts.requests import AcceptedRequest, DataPointValue, Reason, ReasonCode, RefusedRequest
from carewire_contracts.topics import Topics
from carewire_ingress.adapters.request_records import LIFE_MS, SOURCE, RequestRecord, RequestRecords
from carewire_ingress.domain.admit import Accepted, Admission, Rejected
from carewire_testing_ingress.samples import DEFINITION_ID, PAYLOAD, RECEIVED_MS, call, webhook

TENANT = 'tenant "1", north'
RECEIVED_AT = datetime(2026, 3, 2, 8, 15, 30, 120_000, UTC)
TRACEPARENT = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
DATA_POINT = DataPointValue("pain_score", "number", 4)
ACCEPTED = Accepted("release-1", "start-key", "d1" * 32, (), (DATA_POINT,))
REJECTED = Rejected((Reason(ReasonCode.DISABLED, "It is disabled."),), (DATA_POINT,))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
accepted_ones = st.builds(
    Accepted,
    release_id=st.uuids().map(str),
    start_key=st.uuids().map(str),
    body_digest=st.binary().map(lambda body: hashlib.sha256(body).hexdigest()),
    identifiers=st.lists(st.builds(Identifier, st.text(), st.text()), max_size=3).map(tuple),
    data_points=st.lists(st.builds(DataPointValue, st.text(), st.just("json"), json_values), max_size=4).map(tuple),
)


def record_of(verdict: Admission, **of_call: Any) -> RequestRecord:
    return RequestRecords(Topics(), TENANT).of(webhook(), call(**of_call), verdict, TRACEPARENT)


@given(accepted_ones, st.binary(), st.text(), st.integers(0, 4_000_000_000_000))
def test_the_layout_of_an_accepted_request_is_that_of_the_contract_to_the_byte(
    verdict: Accepted, body: bytes, content_type: str, at_ms: int
) -> None:
    written = record_of(verdict, received_ms=at_ms, body=body, content_type=content_type)
    received_at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    assert written.value == (
        AcceptedRequest(
            request_id=call().request_id,
            tenant_id=TENANT,
            webhook_id=webhook().id,
            definition_id=DEFINITION_ID,
            release_id=verdict.release_id,
            start_key=verdict.start_key,
            body_digest=verdict.body_digest,
            received_at=received_at,
            expires_at=received_at + timedelta(milliseconds=LIFE_MS),
            identifiers=verdict.identifiers,
            data_points=verdict.data_points,
            content_type=content_type,
            payload=body,
        ).encode()
    )


@pytest.mark.parametrize(
    ("verdict", "event_type"),
    [
        pytest.param(ACCEPTED, "carewire.ingress.request.accepted", id="accepted"),
        pytest.param(REJECTED, "carewire.ingress.request.refused", id="rejected"),
    ],
)
def test_the_headers_are_a_cloudevents_envelope(verdict: Admission, event_type: str) -> None:
    request_id = call().request_id
    envelope = Envelope(request_id, event_type, SOURCE, RECEIVED_AT, subject=request_id)
    assert record_of(verdict).headers == envelope.headers(TRACEPARENT)


def test_an_accepted_request_lives_for_ten_seconds_of_the_brokers_time() -> None:
    written = record_of(ACCEPTED)
    assert written.topic.name == "ingress.requests"
    assert written.expires_ms == RECEIVED_MS + 10_000
    decoded = AcceptedRequest.decode(written.value)
    assert (decoded.received_at, decoded.expires_at) == (RECEIVED_AT, RECEIVED_AT + timedelta(seconds=10))


@pytest.mark.parametrize(
    ("verdict", "is_test", "status", "reasons"),
    [
        pytest.param(REJECTED, False, "REJECTED", REJECTED.reasons, id="rejected"),
        pytest.param(REJECTED, True, "TEST", REJECTED.reasons, id="test that would be rejected"),
        pytest.param(ACCEPTED, True, "TEST", (), id="test that would be accepted"),
    ],
)
def test_whatever_starts_nothing_is_a_refused_request_that_never_expires(
    verdict: Admission, is_test: bool, status: str, reasons: tuple[Reason, ...]
) -> None:
    written = record_of(verdict, is_test=is_test)
    assert (written.topic.name, written.expires_ms) == ("ingress.refused", None)
    assert RefusedRequest.decode(written.value) == RefusedRequest(
        request_id=call().request_id,
        tenant_id=TENANT,
        webhook_id=webhook().id,
        definition_id=DEFINITION_ID,
        status=status,  # type: ignore[arg-type]
        received_at=RECEIVED_AT,
        reasons=reasons,
        data_points=(DATA_POINT,),
        content_type="application/json",
        payload=orjson.dumps(PAYLOAD),
    )


def test_a_record_is_keyed_by_its_request_id_and_shows_nothing_of_the_call() -> None:
    written = record_of(ACCEPTED)
    assert written.key == call().request_id.encode()
    assert "Ada" not in repr(written)
