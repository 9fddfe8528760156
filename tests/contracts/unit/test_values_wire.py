"""Typed values on the wire and back."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.values import Parsed, TypedValue, ValueType, from_wire, parse_value, to_text, to_wire
from carewire_contracts.values.soundness import LARGEST_INTEGER, SMALLEST_INTEGER

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
NUMBERS = st.integers(SMALLEST_INTEGER, LARGEST_INTEGER) | st.floats(allow_nan=False, allow_infinity=False)
URLS = st.from_regex(r"https://[a-z]{1,10}\.example/[a-z0-9/]{0,20}", fullmatch=True)
ZONES = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
DATES = st.datetimes(timezones=ZONES).filter(lambda moment: 1 < moment.year < 9999).map(datetime.isoformat)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(TEXT, parts, max_size=4),
    max_leaves=20,
).filter(lambda value: value is not None)
RAW: dict[ValueType, st.SearchStrategy[Any]] = {
    ValueType.BOOLEAN: st.booleans(),
    ValueType.STRING: TEXT,
    ValueType.NUMBER: NUMBERS,
    ValueType.DATE: DATES,
    ValueType.NUMBERS_ARRAY: st.lists(NUMBERS),
    ValueType.STRINGS_ARRAY: st.lists(TEXT),
    ValueType.JSON: JSON.filter(lambda value: not isinstance(value, str))
    | TEXT.map(lambda t: orjson.dumps(t).decode()),
    ValueType.TELEPHONE: st.sampled_from(["+442071838750", "+32470123456", "+14155550123"]),
    ValueType.ATTACHMENT: URLS,
    ValueType.ATTACHMENTS_ARRAY: st.lists(URLS),
}
TYPED = st.sampled_from(ValueType).flatmap(lambda each: st.tuples(st.just(each), RAW[each]))


def parsed(raw: object, value_type: ValueType) -> TypedValue:
    outcome = parse_value(raw, value_type)
    assert isinstance(outcome, Parsed)
    return outcome.value


@given(TYPED)
def test_what_is_written_is_read_back(typed: tuple[ValueType, Any]) -> None:
    value_type, raw = typed
    value = parsed(raw, value_type)
    wire = orjson.loads(orjson.dumps(to_wire(value, value_type)))
    assert from_wire(wire, value_type) == value


@given(TYPED)
def test_the_wire_form_is_canonical(typed: tuple[ValueType, Any]) -> None:
    value_type, raw = typed
    wire = to_wire(parsed(raw, value_type), value_type)
    assert orjson.dumps(to_wire(from_wire(wire, value_type), value_type)) == orjson.dumps(wire)


@given(TYPED)
def test_the_text_form_of_the_reference_is_an_input_form(typed: tuple[ValueType, Any]) -> None:
    value_type, raw = typed
    value = parsed(raw, value_type)
    assert parsed(to_text(value, value_type), value_type) == value


@pytest.mark.parametrize(
    ("value_type", "raw", "wire", "text"),
    [
        ("boolean", "yes", True, "1"),
        ("boolean", False, False, "0"),
        ("number", 10.0, 10, "10"),
        ("number", "0.5", 0.5, "0.5"),
        ("date", "2026-03-05", "2026-03-05T00:00:00.000Z", "2026-03-05T00:00:00.000Z"),
        ("numbers_array", "['1','2','4']", [1, 2, 4], "[1, 2, 4]"),
        ("strings_array", ["a", 'b"'], ["a", 'b"'], '["a", "b\\""]'),
        ("json", '{"a": true}', {"a": True}, '{"a":true}'),
        ("json", "true", True, "true"),
        ("json", '"2026-03-05"', "2026-03-05", '"2026-03-05"'),
        ("string", "true", "true", "true"),
    ],
)
def test_wire_and_text_forms(value_type: str, raw: object, wire: object, text: str) -> None:
    each = ValueType(value_type)
    assert to_wire(parsed(raw, each), each) == wire
    assert to_text(parsed(raw, each), each) == text


@pytest.mark.parametrize(
    ("value_type", "wire"),
    [
        ("boolean", "true"),
        ("boolean", None),
        ("number", "10"),
        ("string", 10),
        ("date", "secret"),
        ("date", 5),
        ("numbers_array", "[1]"),
        ("telephone", "secret"),
        ("attachments_array", ["secret"]),
        ("json", None),
    ],
)
def test_what_is_not_on_the_wire_in_this_form_is_refused_without_the_value(value_type: str, wire: object) -> None:
    with pytest.raises(ValueError, match=r"^expected .*, found ") as refused:
        from_wire(wire, ValueType(value_type))
    assert "secret" not in str(refused.value)


def test_a_date_without_a_zone_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_wire(datetime(2026, 3, 5, tzinfo=UTC).replace(tzinfo=None), ValueType.DATE)
