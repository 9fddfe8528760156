"""Request records: what ingress writes is what the orchestrator and the log writer read."""

from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.identifiers import Identifier, normalise_identifier_value
from carewire_contracts.requests import (
    AcceptedRequest,
    DataPointValue,
    Reason,
    ReasonCode,
    RecordError,
    RefusedRequest,
)

CANARY = "canary-7f3a"


def accepted(payload: bytes = b"{}", value: object = "left") -> AcceptedRequest:
    return AcceptedRequest(
        request_id="r1",
        tenant_id="t1",
        webhook_id="w1",
        definition_id="hip-surgery-follow-up",
        release_id="rel1",
        start_key="k1",
        body_digest="00" * 32,
        received_at=datetime(2026, 3, 2, 8, 15, 30, 120000, UTC),
        expires_at=datetime(2026, 3, 2, 8, 15, 40, 120000, UTC),
        identifiers=(Identifier("https://north-clinic.example/mrn", CANARY),),
        data_points=(DataPointValue("hip_side", "string", value),),
        content_type="application/json",
        payload=payload,
    )


def refused(**changes: object) -> RefusedRequest:
    fields: dict[str, object] = {
        "request_id": "r1",
        "tenant_id": "t1",
        "webhook_id": "w1",
        "definition_id": "hip-surgery-follow-up",
        "status": "REJECTED",
        "received_at": datetime(2026, 3, 2, 8, 15, 30, 120000, UTC),
        "reasons": (
            Reason(ReasonCode.WRONG_TYPE, "map a number", "age", "$.age", expected="number", found="string"),
            Reason(ReasonCode.DISABLED, "enable the webhook"),
        ),
        "data_points": (),
        "content_type": "application/json",
        "payload": None,
    }
    return RefusedRequest(**(fields | changes))  # type: ignore[arg-type]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.binary(), JSON)
def test_an_accepted_request_survives_its_wire_form_to_the_byte(payload: bytes, value: object) -> None:
    request = accepted(payload, value)
    assert AcceptedRequest.decode(request.encode()) == request


@given(st.none() | st.binary(), st.sampled_from(["REJECTED", "TEST"]))
def test_a_refused_request_survives_its_wire_form(payload: bytes | None, status: str) -> None:
    request = refused(payload=payload, status=status)
    assert RefusedRequest.decode(request.encode()) == request


@given(st.binary())
def test_bytes_that_are_no_record_are_refused_and_nothing_else_is_raised(data: bytes) -> None:
    for record in (AcceptedRequest, RefusedRequest):
        with pytest.raises(RecordError):
            record.decode(data)


@pytest.mark.parametrize("field", sorted(orjson.loads(accepted().encode())))
def test_a_missing_field_is_named(field: str) -> None:
    data = orjson.loads(accepted().encode())
    del data[field]
    with pytest.raises(RecordError, match=field):
        AcceptedRequest.decode(orjson.dumps(data))


def test_a_field_of_another_shape_is_refused_without_its_value() -> None:
    data = orjson.loads(accepted().encode()) | {"received_at": CANARY}
    with pytest.raises(RecordError) as caught:
        AcceptedRequest.decode(orjson.dumps(data))
    assert CANARY not in str(caught.value)


def test_a_refusal_is_rejected_or_a_test_and_nothing_else() -> None:
    data = orjson.loads(refused().encode()) | {"status": "SCHEDULED"}
    with pytest.raises(RecordError):
        RefusedRequest.decode(orjson.dumps(data))


def test_readers_ignore_fields_that_they_do_not_know() -> None:
    data = orjson.loads(accepted().encode()) | {"added_in_2027": True}
    assert AcceptedRequest.decode(orjson.dumps(data)) == accepted()


def test_reprs_show_no_value() -> None:
    request = accepted(CANARY.encode(), CANARY)
    assert CANARY not in f"{request!r} {request.identifiers!r} {request.data_points!r}"


@pytest.mark.parametrize(
    ("raw", "compared"),
    [(" NC-1 ", "NC-1"), ("Zo\u0065\u0308", "Zo\u00eb"), ("nc-1", "nc-1"), ("  ", ""), ("a b", "a b")],
)
def test_identifier_values_are_compared_after_nfc_and_trim_and_no_other_folding(raw: str, compared: str) -> None:
    assert normalise_identifier_value(raw) == compared


def test_the_record_of_a_call_has_no_word_of_resubmissions() -> None:
    assert b"resubmission_of" not in accepted().encode() + refused().encode()


@pytest.mark.parametrize("request_", [accepted(), refused()], ids=["accepted", "refused"])
def test_a_resubmission_names_the_request_that_was_sent_again(request_: AcceptedRequest | RefusedRequest) -> None:
    again = replace(request_, resubmission_of="r0")
    assert orjson.loads(again.encode())["resubmission_of"] == "r0"
    assert type(request_).decode(again.encode()) == again
    assert again.encode() != request_.encode()
