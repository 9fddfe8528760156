"""Models and records on the wire: what is written, what is left out, what a reader tolerates."""

import json
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from carewire_contracts.catalogue import CatalogueDefinition, CatalogueIdentifierSystem
from carewire_contracts.identifiers import Identifier
from carewire_contracts.record import record
from carewire_contracts.requests import DataPointValue, Reason, ReasonCode, RecordError, RefusedRequest
from carewire_contracts.statuses import (
    FailureReason,
    RequestFailed,
    RequestStatus,
    RequestSucceeded,
    decode_status_event,
)
from carewire_contracts.timestamps import Timestamp
from carewire_contracts.wire import Message, decode, encode


class Kind(Message):
    """A message with everything that the base treats in its own way."""

    event_type: Literal["kind"] = "kind"
    status: Literal["DONE"] = "DONE"
    name: str
    note: str | None = None
    amount: float = 0.0
    date: Timestamp | None = None


def test_discriminators_are_written_though_nobody_set_them() -> None:
    assert json.loads(encode(Kind(name="a"))) == {"event_type": "kind", "status": "DONE", "name": "a"}


def test_a_default_that_was_set_is_written_and_one_that_was_not_is_absent() -> None:
    assert json.loads(encode(Kind(name="a", note=None, amount=0.0))) == {
        "event_type": "kind",
        "status": "DONE",
        "name": "a",
        "note": None,
        "amount": 0.0,
    }


def test_a_moment_is_written_in_the_house_s_form() -> None:
    assert b'"date":"2026-03-02T08:15:30.120Z"' in encode(
        Kind(name="a", date=datetime(2026, 3, 2, 8, 15, 30, 120_999, UTC))
    )


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_numbers_that_json_does_not_have_are_written_as_text(number: float) -> None:
    written = json.loads(encode(Kind(name="a", amount=number)))
    assert isinstance(written["amount"], str)


def test_text_is_utf_8_as_it_is() -> None:
    assert "Zoë 🩺".encode() in encode(Kind(name="Zoë 🩺"))


def test_a_reader_ignores_what_it_does_not_know() -> None:
    assert decode(Kind, b'{"name": "a", "of_tomorrow": {"x": 1}}') == Kind(name="a")


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{", b'{"name": 5}', b'{"name": "a", "status": "OTHER"}'])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValidationError):
        decode(Kind, data)


def test_a_message_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Kind(name="a").name = "b"  # type: ignore[misc]


@given(st.text(st.characters(codec="utf-8")), st.none() | st.text(st.characters(codec="utf-8")))
def test_what_is_written_is_read_back(name: str, note: str | None) -> None:
    message = Kind(name=name, note=note)
    assert decode(Kind, encode(message)) == message


@record()
class Pair:
    """Two fields."""

    left: int
    right: str = "r"


def test_a_record_is_compared_and_hashed_by_its_fields() -> None:
    assert Pair(1) == Pair(1, "r")
    assert Pair(1) != Pair(2)
    assert len({Pair(1), Pair(1, "r"), Pair(1, "s")}) == 2


def test_a_record_is_small_and_takes_no_other_field() -> None:
    with pytest.raises(AttributeError):
        Pair(1).other = 1  # type: ignore[attr-defined]
    assert not hasattr(Pair(1), "__dict__")


def test_a_record_shows_its_fields_unless_it_says_otherwise() -> None:
    assert repr(Pair(1)) == "Pair(left=1, right='r')"

    @record(repr=False)
    class Hidden:
        value: str

    assert "secret" not in repr(Hidden("secret"))


def test_an_identifier_and_a_value_hide_themselves() -> None:
    assert repr(Identifier("https://x", "NC-1")) == "Identifier(system='https://x', value=<redacted>)"
    assert repr(DataPointValue("age", "number", 42)) == "DataPointValue('age', 'number', <redacted>)"


@pytest.mark.parametrize("code", ReasonCode)
def test_a_reason_survives_its_wire_form_with_or_without_details(code: ReasonCode) -> None:
    for reason in (Reason(code, "mend it"), Reason(code, "mend it", "age", "$.age", "number", "text")):
        assert Reason.of(json.loads(json.dumps(reason.as_dict()))) == reason


def test_a_reason_leaves_out_what_does_not_apply() -> None:
    assert Reason(ReasonCode.DISABLED, "enable it").as_dict() == {"code": "disabled", "message": "enable it"}


@pytest.mark.parametrize("data", [{}, {"code": "disabled"}, {"code": "bored", "message": "x"}])
def test_what_is_no_reason_is_refused(data: dict[str, str]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Reason.of(data)


REFUSED = RefusedRequest(
    "r1",
    "t1",
    "w1",
    "d1",
    "TEST",
    datetime(2026, 3, 2, tzinfo=UTC),
    (Reason(ReasonCode.DISABLED, "x"),),
    (),
    "a/b",
    b"x",
)


@pytest.mark.parametrize("field", sorted(orjson.loads(REFUSED.encode())))
def test_a_field_that_a_refused_request_lacks_is_named(field: str) -> None:
    data = orjson.loads(REFUSED.encode())
    del data[field]
    with pytest.raises(RecordError, match=field):
        RefusedRequest.decode(orjson.dumps(data))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("received_at", "yesterday"),
        ("received_at", None),
        ("reasons", [{"code": "bored", "message": "x"}]),
        ("reasons", ["x"]),
        ("reasons", 5),
        ("data_points", [5]),
        ("payload", "not base64!"),
        ("status", "SUCCESS"),
    ],
)
def test_a_field_of_another_shape_is_a_record_error(field: str, value: Any) -> None:
    with pytest.raises(RecordError, match="the expected shape"):
        RefusedRequest.decode(orjson.dumps(orjson.loads(REFUSED.encode()) | {field: value}))


ABOUT = {"request_id": "r", "tenant_id": "t", "webhook_id": "w", "definition_id": "d", "date": "2026-03-02T00:00:00Z"}


@pytest.mark.parametrize("reason", FailureReason)
def test_every_lawful_reason_of_a_failure_is_read(reason: FailureReason) -> None:
    event = RequestFailed.model_validate(ABOUT | {"reason": reason, "message": "x"})
    assert decode_status_event(encode(event)) == event


def test_an_unlawful_reason_is_refused() -> None:
    with pytest.raises(ValidationError):
        RequestFailed.model_validate(ABOUT | {"reason": "bad luck", "message": "x"})


def test_a_duplicate_names_the_request_that_came_first_and_a_first_one_names_nobody() -> None:
    first = RequestSucceeded.model_validate(ABOUT | {"care_flow_id": "c", "patient_id": "p"})
    again = RequestSucceeded.model_validate(ABOUT | {"care_flow_id": "c", "patient_id": "p", "duplicate_of": "r0"})
    assert "duplicate_of" not in json.loads(encode(first))
    assert json.loads(encode(again))["duplicate_of"] == "r0"


@given(st.permutations(list(RequestStatus)))
def test_whatever_the_order_of_arrival_a_log_that_only_goes_up_ends_at_a_final_status(
    order: list[RequestStatus],
) -> None:
    seen = order[0]
    for status in order[1:]:
        if status.rank > seen.rank:
            seen = status
    assert seen.is_final
    finals = [status for status in order if status.is_final]
    assert seen is finals[0]


def test_a_definition_without_a_release_cannot_be_started_and_says_so() -> None:
    known = CatalogueDefinition(definition_id="d", title="D", catalogue_version=1, live=None)
    assert json.loads(encode(known))["live"] is None
    assert decode(CatalogueDefinition, encode(known)) == known


@pytest.mark.parametrize("system", ["https://north-clinic.example/mrn", "urn:oid:1.2.3", "https://x/a/b?c=d"])
def test_a_system_s_key_is_its_address_as_it_is(system: str) -> None:
    registered = CatalogueIdentifierSystem(system=system, name="n", display_name="N", catalogue_version=1)
    assert registered.key.removeprefix("identifier-system/") == system
