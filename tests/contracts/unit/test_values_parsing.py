"""What a sender may write for each type, and what is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.values import Mismatch, Parsed, ValueType, parse_value
from carewire_contracts.values.soundness import (
    LARGEST_INTEGER,
    MAX_ITEMS,
    MAX_JSON_DEPTH,
    MAX_JSON_NODES,
    MAX_JSON_TEXT,
    MAX_TEXT,
    SMALLEST_INTEGER,
)

MARCH_FIFTH = datetime(2026, 3, 5, tzinfo=UTC)


def short(parameter: object) -> str | None:
    """Keep test ids readable where the parameter is a very long string."""
    return parameter[:40] if isinstance(parameter, str) else None


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value_type", "raw", "value"),
    [
        *[("boolean", word, True) for word in (True, "true", "t", "yes", "y", "1", "TRUE", "Yes", " y ")],
        *[("boolean", word, False) for word in (False, "false", "f", "no", "n", "0", "False", "N")],
        ("number", 10, 10),
        ("number", "10", 10),
        ("number", " -3 ", -3),
        ("number", 10.0, 10),
        ("number", "10.0", 10),
        ("number", "0.5", 0.5),
        ("number", "1e2", 100),
        ("number", -0.0, 0),
        ("number", 1e300, 1e300),
        ("number", LARGEST_INTEGER, LARGEST_INTEGER),
        ("number", str(SMALLEST_INTEGER), SMALLEST_INTEGER),
        ("string", "", ""),
        ("string", " any text, ünïcödé 🩺 ", " any text, ünïcödé 🩺 "),
        ("string", "x" * MAX_TEXT, "x" * MAX_TEXT),
        ("date", "2026-03-05", MARCH_FIFTH),
        ("date", " 2026-03-05 ", MARCH_FIFTH),
        ("date", "2026-03-05T00:00:00.000Z", MARCH_FIFTH),
        ("date", "2026-03-05t00:00:00z", MARCH_FIFTH),
        ("date", "2026-03-05 01:00+01:00", MARCH_FIFTH),
        ("date", "2026-03-05T01:00:00+0100", MARCH_FIFTH),
        ("date", "2026-03-04T19:00:00-05", MARCH_FIFTH),
        ("date", "2026-03-05T00:00:00.1239999Z", MARCH_FIFTH.replace(microsecond=123_000)),
        ("numbers_array", [1, 2.5, "4"], [1, 2.5, 4]),
        ("numbers_array", "[1, 2, 4]", [1, 2, 4]),
        ("numbers_array", "['1','2','4']", [1, 2, 4]),
        ("numbers_array", " [ '1' , '2' ] ", [1, 2]),
        ("numbers_array", [], []),
        ("numbers_array", "[]", []),
        ("strings_array", ["a", ""], ["a", ""]),
        ("strings_array", '["a", "it\'s"]', ["a", "it's"]),
        ("strings_array", "['a', 'b']", ["a", "b"]),
        ("json", {"a": [None, True, 1, 0.5, "x"]}, {"a": [None, True, 1, 0.5, "x"]}),
        ("json", '{"a": 1}', {"a": 1}),
        ("json", '"text"', "text"),
        ("json", f"[{LARGEST_INTEGER}]", [LARGEST_INTEGER]),
        ("json", 5, 5),
        ("json", False, False),
        ("json", nested(MAX_JSON_DEPTH - 1), nested(MAX_JSON_DEPTH - 1)),
        ("telephone", "+442071838750", "+442071838750"),
        ("telephone", " +32470123456 ", "+32470123456"),
        ("attachment", "https://files.example/scan.pdf?x=1", "https://files.example/scan.pdf?x=1"),
        ("attachment", "HTTP://[::1]/scan", "HTTP://[::1]/scan"),
        ("attachments_array", ["https://files.example/1"], ["https://files.example/1"]),
        ("attachments_array", '["https://files.example/1"]', ["https://files.example/1"]),
    ],
    ids=short,
)
def test_every_documented_form_is_read(value_type: str, raw: object, value: object) -> None:
    outcome = parse_value(raw, ValueType(value_type))
    assert isinstance(outcome, Parsed)
    assert outcome.value == value
    assert type(outcome.value) is type(value)


NOT_A = "string that is not a"


@pytest.mark.parametrize(
    ("value_type", "raw", "found"),
    [
        *[(each.value, None, "null") for each in ValueType],
        *[(each.value, b"bytes", "unsupported") for each in ValueType],
        *[(each.value, {}, "object") for each in ValueType if each is not ValueType.JSON],
        *[(each.value, "", f"{NOT_A} {each}") for each in (ValueType.BOOLEAN, ValueType.NUMBER, ValueType.DATE)],
        ("boolean", 1, "number"),
        ("boolean", "maybe", f"{NOT_A} boolean"),
        ("boolean", "y" * 1000, f"{NOT_A} boolean"),
        ("number", True, "boolean"),
        ("number", "true", f"{NOT_A} number"),
        ("number", float("nan"), "number that is not finite"),
        ("number", float("inf"), "number that is not finite"),
        ("number", "NaN", f"{NOT_A} number"),
        ("number", "Infinity", f"{NOT_A} number"),
        ("number", "1e999", "string with a number out of bounds"),
        ("number", "9" * 5000, "string with a number out of bounds"),
        ("number", str(LARGEST_INTEGER + 1), "string with a number out of bounds"),
        ("number", SMALLEST_INTEGER - 1, "number out of bounds"),
        *[
            ("number", text, f"{NOT_A} number")
            for text in ("007", "+5", ".5", "5.", "1,5", "1_000", "0x10", "٣", "1e", "10 mg", "- 1")
        ],
        ("string", 5, "number"),
        ("string", True, "boolean"),
        ("string", ["a"], "array"),
        ("string", "a\0b", "string with a NUL character"),
        ("string", "\ud800", "string that is not valid Unicode"),
        ("string", "x" * (MAX_TEXT + 1), f"string longer than {MAX_TEXT} characters"),
        ("date", 1772668800, "number"),
        ("date", "2026-03-05T10:00:00", "date-time without a time zone"),
        ("date", "2026-03-05 10:00", "date-time without a time zone"),
        *[
            ("date", text, f"{NOT_A} date")
            for text in (
                "2026-02-30",
                "05/03/2026",
                "20260305",
                "2026-W10-4",
                "2026-03",
                "2026-03-05T24:00:00Z",
                "2026-03-05T23:59:60Z",
                "2026-03-05T10:00:00+99:00",
                "0001-01-01T00:00:00+14:00",
                "9999-12-31T23:00:00-14:00",
                "٢٠٢٦-03-05",
                "2026-03-05T00:00:00." + "0" * 100 + "Z",
            )
        ],
        ("numbers_array", 5, "number"),
        ("numbers_array", "1, 2", f"{NOT_A}n array"),
        ("numbers_array", "{}", f"{NOT_A}n array"),
        ("numbers_array", "[NaN]", f"{NOT_A}n array"),
        ("numbers_array", "[" * 100_000, f"{NOT_A}n array"),
        ("numbers_array", [1, True], "array with boolean at index 1"),
        ("numbers_array", ["x"], "array with string that is not a number at index 0"),
        ("numbers_array", [0] * (MAX_ITEMS + 1), f"array of more than {MAX_ITEMS} items"),
        ("numbers_array", "[" + " " * MAX_JSON_TEXT + "]", f"string longer than {MAX_JSON_TEXT} characters"),
        ("strings_array", ["a", 1], "array with number at index 1"),
        ("strings_array", ["a", None], "array with null at index 1"),
        ("strings_array", "['it's']", f"{NOT_A}n array"),
        ("json", "null", "string that is not JSON"),
        ("json", "{", "string that is not JSON"),
        ("json", "[Infinity]", "string that is not JSON"),
        ("json", "[1e999]", "number that is not finite"),
        ("json", f"[{LARGEST_INTEGER + 1}]", "number out of bounds"),
        ("json", "[" + "9" * 5000 + "]", "string that is not JSON"),
        ("json", "[" * 100_000 + "]" * 100_000, "string that is not JSON"),
        ("json", " " * (MAX_JSON_TEXT + 1), f"string longer than {MAX_JSON_TEXT} characters"),
        ("json", {"a\0": 1}, "string with a NUL character"),
        ("json", {"a": ["\0"]}, "string with a NUL character"),
        ("json", {1: "a"}, "object with a key that is not a string"),
        ("json", {"a": b"x"}, "unsupported"),
        ("json", {"a": {1, 2}}, "unsupported"),
        ("json", nested(MAX_JSON_DEPTH), f"JSON value nested deeper than {MAX_JSON_DEPTH}"),
        ("json", nested(100_000), f"JSON value nested deeper than {MAX_JSON_DEPTH}"),
        ("json", [0] * MAX_JSON_NODES, f"JSON value of more than {MAX_JSON_NODES} parts"),
        ("telephone", 442071838750, "number"),
        *[
            ("telephone", text, "string that is not an E.164 number")
            for text in ("442071838750", "00442071838750", "+44 20 7183 8750", "+4420718387501234", "+0123456789", "+")
        ],
        ("telephone", "+4412", "telephone number that its country cannot have"),
        ("telephone", "+99912345678", "telephone number that its country cannot have"),
        *[
            ("attachment", text, "string that is not an http(s) URL")
            for text in ("scan.pdf", "ftp://files.example/a", "https://", "https:///a", "https://a b", "http://[::1/a")
        ],
        ("attachment", "https://files.example/" + "a" * 2048, "string longer than 2048 characters"),
        ("attachment", "https://files.example/\ud800", "string that is not valid Unicode"),
        ("attachments_array", "https://files.example/1", f"{NOT_A}n array"),
        ("attachments_array", ["scan.pdf"], "array with string that is not an http(s) URL at index 0"),
    ],
    ids=short,
)
def test_what_is_doubtful_is_refused_with_a_description(value_type: str, raw: object, found: str) -> None:
    outcome = parse_value(raw, ValueType(value_type))
    assert isinstance(outcome, Mismatch)
    assert outcome.found == found


def test_a_cyclic_value_is_refused() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    assert isinstance(parse_value(cycle, ValueType.JSON), Mismatch)


def test_type_names_are_read_in_any_case() -> None:
    assert ValueType("NUMBERS_ARRAY") is ValueType.NUMBERS_ARRAY
    assert ValueType("Json") is ValueType.JSON


@pytest.mark.parametrize("name", ["integer", "", 5])
def test_other_type_names_are_refused(name: Any) -> None:
    with pytest.raises(ValueError, match="is not a valid ValueType"):
        ValueType(name)


def test_a_mismatch_reads_as_a_sentence_and_a_parsed_value_hides_itself() -> None:
    assert str(parse_value("secret", ValueType.NUMBER)) == "expected number, found string that is not a number"
    assert "secret" not in repr(parse_value("secret", ValueType.STRING))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
)
ODD_TEXT = st.text(st.characters(codec=None)) | st.from_regex(r"[-+0-9eE.:TZ\[\]',\" ]*", fullmatch=True)


@given(st.sampled_from(ValueType), JSON | ODD_TEXT | st.binary() | st.sets(st.integers()))
def test_parsing_is_total(value_type: ValueType, raw: object) -> None:
    assert isinstance(parse_value(raw, value_type), Parsed | Mismatch)


@given(st.sampled_from(ValueType), st.text("αβγδεζηθικλμ", min_size=3))
def test_a_mismatch_never_holds_the_value(value_type: ValueType, secret: str) -> None:
    outcomes = [parse_value(raw, value_type) for raw in (secret, [secret], {secret: secret}, f"+{secret}")]
    assert not any(secret in repr(outcome) for outcome in outcomes)
