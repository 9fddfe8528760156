import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.envelope import Envelope
from carewire_contracts.identifiers import Identifier
from carewire_contracts.requests import (
    AcceptedRequest,
    DataPointValue,
    EnrolmentGuard,
    Reason,
    ReasonCode,
    RefusedRequest,
)
from carewire_contracts.topics import Topics
from carewire_ingress.adapters.request_records import LIFE_MS, SOURCE, RequestRecord, RequestRecords
from carewire_ingress.domain.admit import Accepted, Admission, Filtered, Rejected, admit
from carewire_ingress.domain.patient_profile import ProfileField, plan_profile
from carewire_ingress.domain.value_source import ValueSource
from carewire_testing_ingress.samples import DEFINITION_ID, PAYLOAD, RECEIVED_MS, SYSTEMS, call, plan, webhook

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
explanations = st.none() | st.lists(st.dictionaries(st.text(), json_values, max_size=3), max_size=3).map(tuple)
texts = st.dictionaries(st.text(), st.text(), max_size=3)
accepted_ones = st.builds(
    Accepted,
    release_id=st.uuids().map(str),
    start_key=st.uuids().map(str),
    body_digest=st.binary().map(lambda body: hashlib.sha256(body).hexdigest()),
    identifiers=st.lists(st.builds(Identifier, st.text(), st.text()), max_size=3).map(tuple),
    data_points=st.lists(st.builds(DataPointValue, st.text(), st.just("json"), json_values), max_size=4).map(tuple),
    profile=texts,
    explanation=explanations,
)
guards = st.sampled_from(EnrolmentGuard)


def record_of(
    verdict: Admission, *, guard: EnrolmentGuard = EnrolmentGuard.START_ANOTHER, **of_call: Any
) -> RequestRecord:
    hook = replace(webhook(), enrolment_guard=guard)
    return RequestRecords(Topics(), TENANT).of(hook, call(**of_call), verdict, TRACEPARENT)


@given(
    accepted_ones,
    guards,
    st.builds(dict, body=st.binary(), content_type=st.text(), received_ms=st.integers(0, 4_000_000_000_000)),
    st.builds(dict, logged_headers=texts, resubmission_of=st.none() | st.uuids().map(str)),
)
def test_the_layout_of_an_accepted_request_is_that_of_the_contract_to_the_byte(
    verdict: Accepted, guard: EnrolmentGuard, sent: dict[str, Any], more: dict[str, Any]
) -> None:
    written = record_of(verdict, guard=guard, **sent, **more)
    at_ms, body, content_type = sent["received_ms"], sent["body"], sent["content_type"]
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
            resubmission_of=more["resubmission_of"],
            profile=verdict.profile,
            enrolment_guard=guard,
            headers=more["logged_headers"],
            filter=verdict.explanation,
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


CONDITION = {"reference": "$.consent", "satisfied": False, "value": None}


def refused(verdict: Admission, **of_call: Any) -> RefusedRequest:
    written = record_of(verdict, **of_call)
    assert (written.topic.name, written.expires_ms) == ("ingress.refused", None)
    return RefusedRequest.decode(written.value)


@pytest.mark.parametrize(("is_test", "status"), [(False, "REJECTED"), (True, "TEST")])
def test_a_filtered_call_is_refused_with_the_filter_as_its_reason(is_test: bool, status: str) -> None:
    request = refused(Filtered((CONDITION,)), is_test=is_test)
    assert request.status == status
    assert [reason.code for reason in request.reasons] == [ReasonCode.FILTERED]
    assert request.filter == (CONDITION,)
    assert request.data_points == ()
    assert request.payload == orjson.dumps(PAYLOAD)


@pytest.mark.parametrize(
    ("verdict", "explanation"),
    [
        pytest.param(replace(REJECTED, explanation=(CONDITION,)), (CONDITION,), id="rejected after the filter"),
        pytest.param(replace(ACCEPTED, explanation=(CONDITION,)), (CONDITION,), id="would be accepted"),
        pytest.param(REJECTED, None, id="no filter"),
    ],
)
def test_whatever_the_filter_saw_is_kept(verdict: Admission, explanation: tuple[Any, ...] | None) -> None:
    assert refused(verdict, is_test=True).filter == explanation


def test_headers_that_may_be_shown_and_the_request_sent_again_are_kept() -> None:
    request = refused(REJECTED, logged_headers={"user-agent": "x"}, resubmission_of="r-0")
    assert (request.headers, request.resubmission_of) == ({"user-agent": "x"}, "r-0")


STRANGER = Rejected((Reason(ReasonCode.UNAUTHENTICATED, "The signature does not fit."),))


def test_the_payload_of_a_stranger_is_not_kept() -> None:
    assert refused(STRANGER, body=b"anything").payload is None


def test_what_staff_may_send_again_keeps_its_senders_key_and_nothing_else_does() -> None:
    by_key = {"headers": {"idempotency-key": "k-1"}}
    assert refused(REJECTED, **by_key).start_key is not None
    assert refused(REJECTED).start_key is None
    assert refused(STRANGER, **by_key).start_key is None
    assert refused(REJECTED, **by_key, is_test=True).start_key is None
    assert refused(REJECTED, **by_key, resubmission_of="r-0").start_key is None


def test_a_record_of_a_webhook_without_further_wishes_stays_small() -> None:
    fields = orjson.loads(record_of(ACCEPTED).value)
    assert fields.keys().isdisjoint({"profile", "enrolment_guard", "headers", "filter", "resubmission_of"})


def test_a_profile_that_was_read_can_be_written() -> None:
    """Its fields are an enumeration, which no JSON object has for names."""
    hook = replace(webhook(), profile=plan_profile({ProfileField.CITY: ValueSource("$.patient.name")}))
    verdict = admit(plan(hook), SYSTEMS, call())
    assert AcceptedRequest.decode(record_of(verdict).value).profile == {"address.city": "Ada Example"}
