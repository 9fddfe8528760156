"""Request records, whatever is in them: every field survives, moments to the millisecond, payloads to the byte."""

from datetime import UTC, datetime, timedelta
from typing import Any

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
from carewire_contracts.values import ValueType

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
IDENTIFIERS = st.lists(st.builds(Identifier, system=TEXT, value=TEXT), max_size=3).map(tuple)
JSON = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT | st.lists(TEXT, max_size=2)
TYPES = st.sampled_from(ValueType).map(str)
DATA_POINTS = st.lists(
    st.builds(
        DataPointValue, data_point_definition_id=TEXT, value_type=st.sampled_from(ValueType).map(str), value=JSON
    ),
    max_size=3,
).map(tuple)
REASONS = st.lists(
    st.builds(Reason, code=st.sampled_from(ReasonCode), message=TEXT, path=st.none() | TEXT, found=st.none() | TEXT),
    max_size=3,
).map(tuple)
ACCEPTED = st.builds(
    AcceptedRequest,
    request_id=TEXT,
    tenant_id=TEXT,
    webhook_id=TEXT,
    definition_id=TEXT,
    release_id=TEXT,
    start_key=TEXT,
    body_digest=TEXT,
    received_at=MOMENTS,
    expires_at=MOMENTS,
    identifiers=IDENTIFIERS,
    data_points=DATA_POINTS,
    content_type=TEXT,
    payload=st.binary(max_size=64),
)
REFUSED = st.builds(
    RefusedRequest,
    request_id=TEXT,
    tenant_id=TEXT,
    webhook_id=TEXT,
    definition_id=TEXT,
    status=st.sampled_from(["REJECTED", "TEST"]),
    received_at=MOMENTS,
    reasons=REASONS,
    data_points=DATA_POINTS,
    content_type=TEXT,
    payload=st.none() | st.binary(max_size=64),
)


@given(ACCEPTED)
def test_an_accepted_request_is_read_as_it_was_written(request: AcceptedRequest) -> None:
    assert AcceptedRequest.decode(request.encode()) == request


@given(REFUSED)
def test_a_refused_request_is_read_as_it_was_written(request: RefusedRequest) -> None:
    assert RefusedRequest.decode(request.encode()) == request


@given(ACCEPTED)
def test_the_same_request_is_the_same_bytes(request: AcceptedRequest) -> None:
    assert request.encode() == AcceptedRequest.decode(request.encode()).encode()


@given(ACCEPTED, st.integers(0, 999))
def test_a_moment_is_cut_to_the_millisecond_and_never_later(request: AcceptedRequest, microseconds: int) -> None:
    finer = AcceptedRequest(
        **{name: getattr(request, name) for name in AcceptedRequest.__slots__ if name != "received_at"},  # type: ignore[attr-defined]
        received_at=request.received_at + timedelta(microseconds=microseconds),
    )
    assert AcceptedRequest.decode(finer.encode()).received_at == request.received_at


@given(ACCEPTED, st.dictionaries(st.text("xyz", min_size=1, max_size=3), JSON, max_size=2))
def test_fields_of_tomorrow_are_ignored(request: AcceptedRequest, more: dict[str, Any]) -> None:
    data = orjson.loads(request.encode()) | more
    assert AcceptedRequest.decode(orjson.dumps(data)) == request


@given(ACCEPTED, st.sampled_from(["received_at", "identifiers", "data_points", "payload"]))
def test_a_field_that_is_null_is_a_record_error_that_shows_nothing(request: AcceptedRequest, field: str) -> None:
    data = orjson.loads(request.encode()) | {field: None}
    with pytest.raises(RecordError) as refused:
        AcceptedRequest.decode(orjson.dumps(data))
    assert str(refused.value) == "the record is no JSON object of the expected shape"


@given(REFUSED)
def test_one_kind_of_record_is_not_taken_for_the_other(request: RefusedRequest) -> None:
    with pytest.raises(RecordError, match="the record lacks field"):
        AcceptedRequest.decode(request.encode())


@given(TEXT)
def test_an_identifier_in_its_compared_form_is_left_as_it_is(value: str) -> None:
    compared = normalise_identifier_value(value)
    assert normalise_identifier_value(compared) == compared
    assert normalise_identifier_value(f" {value}\n") == compared
