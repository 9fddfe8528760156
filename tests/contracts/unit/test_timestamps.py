"""Timestamps on the wire: UTC, milliseconds, never later than the moment."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.timestamps import format_milliseconds, format_timestamp, parse_timestamp

AWARE = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(-timedelta(hours=11))]),
)


def test_a_timestamp_ends_in_z_and_has_milliseconds() -> None:
    assert format_timestamp(datetime(2026, 3, 2, 8, 15, 30, 120000, UTC)) == "2026-03-02T08:15:30.120Z"


def test_other_offsets_become_utc() -> None:
    brussels = timezone(timedelta(hours=1))
    assert format_timestamp(datetime(2026, 3, 2, 9, 15, 30, 0, brussels)) == "2026-03-02T08:15:30.000Z"
    assert parse_timestamp("2026-03-02T09:15:30+01:00") == datetime(2026, 3, 2, 8, 15, 30, 0, UTC)


@given(AWARE)
def test_a_round_trip_cuts_less_than_a_millisecond(moment: datetime) -> None:
    back = parse_timestamp(format_timestamp(moment))
    assert timedelta(0) <= moment - back < timedelta(milliseconds=1)


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_timestamp(datetime(2026, 3, 2))  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize("text", ["2026-03-02T08:15:30", "2026-03-02", "yesterday", ""])
def test_a_text_without_an_offset_or_a_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_timestamp(text)


@given(st.integers(-2_000_000_000_000, 7_000_000_000_000))
def test_milliseconds_since_1970_are_written_as_their_moment_is(milliseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert format_milliseconds(milliseconds) == format_timestamp(moment)
