"""Timestamps at the ends of the calendar and in every form of ISO 8601 that senders write."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from carewire_contracts.timestamps import Timestamp, format_timestamp, parse_timestamp

ADAPTER: TypeAdapter[datetime] = TypeAdapter(Timestamp)
BEYOND = ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00.000+00:01"]
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize("text", BEYOND)
def test_a_moment_that_utc_has_no_year_for_is_refused_and_is_no_fault(text: str) -> None:
    with pytest.raises(ValueError, match="outside of the years"):
        parse_timestamp(text)
    with pytest.raises(ValidationError):
        ADAPTER.validate_json(f'"{text}"')


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T08:15:30.120Z",
        "2026-03-02T08:15:30.12Z",
        "2026-03-02T08:15:30.120000+00:00",
        "2026-03-02T09:15:30.120+01:00",
        "2026-03-02 08:15:30.120Z",
        "20260302T081530.120Z",
        "2026-03-01T22:15:30.120-10:00",
    ],
)
def test_one_moment_in_many_forms_is_one_text(text: str) -> None:
    assert format_timestamp(parse_timestamp(text)) == "2026-03-02T08:15:30.120Z"


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=offsets))  # noqa: DTZ001  hypothesis adds zones
def test_the_text_orders_as_the_moments_do(moment: datetime) -> None:
    later = moment + timedelta(milliseconds=1)
    assert format_timestamp(moment) < format_timestamp(later)
    assert len(format_timestamp(moment)) == len("2026-03-02T08:15:30.120Z")


@given(st.text(max_size=30))
def test_any_text_is_a_timestamp_or_a_value_error(text: str) -> None:
    try:
        moment = parse_timestamp(text)
    except ValueError:
        return
    assert moment.tzinfo is UTC


def test_a_model_writes_the_house_s_form_whatever_it_read() -> None:
    assert ADAPTER.dump_json(ADAPTER.validate_json('"2026-03-02T09:15:30.1239+01:00"')) == b'"2026-03-02T08:15:30.123Z"'


@pytest.mark.parametrize("value", ['"2026-03-02T08:15:30"', '"2026-03-02"', "null", "[]", '"now"'])
def test_a_model_wants_a_moment_with_an_offset(value: str) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_json(value)
