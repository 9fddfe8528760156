from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carewire_contracts.values import Mismatch, ValueType, parse_value, to_wire, transcriber_of

TYPES = st.sampled_from(ValueType)
NEAR_DATES = st.dates().map(date.isoformat) | st.from_regex(r"[0-9]{4}.[0-9]{2}.[0-9]{2}", fullmatch=True)
PARTS_OF_DATES = st.sampled_from(["00", "01", "02", "12", "13", "23", "24", "28", "30", "31", "59", "60", "W1"])
NEAR_MOMENTS = st.builds(
    "{}-{}-{}{}{}{colon}{}{colon}{}{}{}".format,
    st.sampled_from(["0001", "2024", "2026", "9999"]),
    PARTS_OF_DATES,
    PARTS_OF_DATES,
    st.sampled_from(["T", "T", "T", "t", " ", "_"]),
    PARTS_OF_DATES,
    PARTS_OF_DATES,
    PARTS_OF_DATES,
    st.sampled_from(["", "", ".", ".1", ".123", ".123456789", ",123", "-"]),
    st.sampled_from(["Z", "Z", "z", "", "+01:00", "-23:59", "+24:00", "+0100", "+01", "-00:00", "+01:00:30", " "]),
    colon=st.sampled_from([":", ":", ":", ";", ""]),
)
RAW_VALUES: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | NEAR_DATES
    | st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    | st.lists(st.integers() | st.text(), max_size=3)
    | st.dictionaries(st.text(), st.integers(), max_size=2)
)


def the_long_way(raw: object, value_type: ValueType) -> Any:
    parsed = parse_value(raw, value_type)
    return parsed if isinstance(parsed, Mismatch) else to_wire(parsed.value, value_type)


@given(RAW_VALUES, TYPES)
def test_transcribing_is_parsing_and_writing(raw: object, value_type: ValueType) -> None:
    transcribed, expected = transcriber_of(value_type)(raw), the_long_way(raw, value_type)
    assert (type(transcribed), transcribed) == (type(expected), expected)


@given(NEAR_MOMENTS)
@settings(max_examples=200)
def test_moments_and_what_resembles_them_are_transcribed_as_they_are_parsed(raw: str) -> None:
    assert transcriber_of(ValueType.DATE)(raw) == the_long_way(raw, ValueType.DATE)


@pytest.mark.parametrize(
    ("raw", "value_type", "wire"),
    [
        pytest.param(True, ValueType.BOOLEAN, True, id="boolean as it is"),
        pytest.param("no", ValueType.BOOLEAN, False, id="boolean word"),
        pytest.param(64, ValueType.NUMBER, 64, id="integer as it is"),
        pytest.param(64.0, ValueType.NUMBER, 64, id="whole number of a float"),
        pytest.param(2**63 - 1, ValueType.NUMBER, 2**63 - 1, id="largest integer"),
        pytest.param("left", ValueType.STRING, "left", id="string as it is"),
        pytest.param("links, März", ValueType.STRING, "links, März", id="string beyond ASCII"),
        pytest.param("2026-03-05", ValueType.DATE, "2026-03-05T00:00:00.000Z", id="plain date"),
        pytest.param("2026-03-05T01:00+01:00", ValueType.DATE, "2026-03-05T00:00:00.000Z", id="date-time with offset"),
        pytest.param("2026-03-05T01:00:30Z", ValueType.DATE, "2026-03-05T01:00:30.000Z", id="date-time in UTC"),
        pytest.param("2026-03-05T01:00:30.1239Z", ValueType.DATE, "2026-03-05T01:00:30.123Z", id="milliseconds, cut"),
        pytest.param("[1, 2]", ValueType.NUMBERS_ARRAY, [1, 2], id="array in its string form"),
        pytest.param({"a": None}, ValueType.JSON, {"a": None}, id="JSON as it is"),
    ],
)
def test_a_value_takes_its_wire_form(raw: object, value_type: ValueType, wire: object) -> None:
    assert transcriber_of(value_type)(raw) == wire


@pytest.mark.parametrize(
    ("raw", "value_type", "found"),
    [
        pytest.param(1, ValueType.BOOLEAN, "number", id="number for a boolean"),
        pytest.param(True, ValueType.NUMBER, "boolean", id="boolean for a number"),
        pytest.param(2**63, ValueType.NUMBER, "number out of bounds", id="integer of more than 64 bits"),
        pytest.param(-(2**63) - 1, ValueType.NUMBER, "number out of bounds", id="integer of less than 64 bits"),
        pytest.param("a\0b", ValueType.STRING, "string with a NUL character", id="NUL character"),
        pytest.param("x" * 65_537, ValueType.STRING, "string longer than 65536 characters", id="too long"),
        pytest.param("2026-02-30", ValueType.DATE, "string that is not a date", id="day that the calendar lacks"),
        pytest.param("2026-W10-4", ValueType.DATE, "string that is not a date", id="week"),
        pytest.param("2026-03-05T08:00", ValueType.DATE, "date-time without a time zone", id="no time zone"),
        pytest.param(20260305, ValueType.DATE, "number", id="number for a date"),
    ],
)
def test_what_is_refused_is_refused_in_the_words_of_parsing(raw: object, value_type: ValueType, found: str) -> None:
    refused = transcriber_of(value_type)(raw)
    assert isinstance(refused, Mismatch)
    assert refused.found == found
