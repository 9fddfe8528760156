"""Each of the ten types against each kind of JSON value and each string form of the reference (section 4.5).

The other tests of values go deep into one form; this is the whole grid, so that no cell is left to chance.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.values import Mismatch, Parsed, ValueType, from_wire, parse_value, parser_of, to_text, to_wire

MARCH_FIFTH = datetime(2026, 3, 5, tzinfo=UTC)
URL = "https://files.example/scan.pdf"
PHONE = "+442071838750"

# What a sender may send as JSON, by a name that a reader of the grid understands.
KINDS: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "integer": 10,
    "whole float": 10.0,
    "float": 0.5,
    "negative": -3,
    "empty text": "",
    "a word": "left",
    "digits": "10",
    "yes": "yes",
    "1": "1",
    "a date": "2026-03-05",
    "a moment": "2026-03-05T00:00:00Z",
    "a moment without a zone": "2026-03-05T00:00:00",
    "a telephone": PHONE,
    "a URL": URL,
    "JSON text": '{"a": 1}',
    "array text": "[1, 2]",
    "quoted array text": "['1','2']",
    "empty array": [],
    "array of numbers": [1, 2.5],
    "array of texts": ["a", "b"],
    "array of digits": ["1", "2"],
    "array of URLs": [URL],
    "mixed array": [1, "a", None],
    "nested array": [[1]],
    "empty object": {},
    "object": {"a": 1},
}

# What each type makes of them; what is not named here is refused.
GRID: dict[str, dict[str, Any]] = {
    "boolean": {"true": True, "false": False, "yes": True, "1": True},
    "number": {
        "integer": 10,
        "whole float": 10,
        "float": 0.5,
        "negative": -3,
        "digits": 10,
        "1": 1,
    },
    "string": {name: value for name, value in KINDS.items() if isinstance(value, str)},
    "date": {"a date": MARCH_FIFTH, "a moment": MARCH_FIFTH},
    "numbers_array": {
        "array text": [1, 2],
        "quoted array text": [1, 2],
        "empty array": [],
        "array of numbers": [1, 2.5],
        "array of digits": [1, 2],
    },
    "strings_array": {
        "quoted array text": ["1", "2"],
        "empty array": [],
        "array of texts": ["a", "b"],
        "array of digits": ["1", "2"],
        "array of URLs": [URL],
    },
    "json": {
        **{name: value for name, value in KINDS.items() if value is not None and not isinstance(value, str)},
        "digits": 10,
        "1": 1,
        "JSON text": {"a": 1},
        "array text": [1, 2],
    },
    "telephone": {"a telephone": PHONE},
    "attachment": {"a URL": URL},
    "attachments_array": {"empty array": [], "array of URLs": [URL]},
}
CELLS = [(value_type, kind) for value_type in GRID for kind in KINDS]


@pytest.mark.parametrize(("value_type", "kind"), CELLS, ids=lambda word: str(word).replace(" ", "-"))
def test_a_cell_of_the_grid(value_type: str, kind: str) -> None:
    outcome = parse_value(KINDS[kind], ValueType(value_type))
    if kind in GRID[value_type]:
        assert isinstance(outcome, Parsed), outcome
        assert outcome.value == GRID[value_type][kind]
        assert type(outcome.value) is type(GRID[value_type][kind])
    else:
        assert isinstance(outcome, Mismatch), outcome


def test_the_grid_has_every_type() -> None:
    assert set(GRID) == {each.value for each in ValueType}


@pytest.mark.parametrize(("value_type", "kind"), [(t, k) for t in GRID for k in GRID[t]])
def test_what_is_read_is_written_and_read_again(value_type: str, kind: str) -> None:
    each = ValueType(value_type)
    value = GRID[value_type][kind]
    wire = json.loads(json.dumps(to_wire(value, each)))
    assert from_wire(wire, each) == value


@pytest.mark.parametrize(("value_type", "kind"), [(t, k) for t in GRID for k in GRID[t]])
def test_the_reference_s_text_of_what_is_read_is_read_again(value_type: str, kind: str) -> None:
    each = ValueType(value_type)
    outcome = parse_value(to_text(GRID[value_type][kind], each), each)
    assert isinstance(outcome, Parsed)
    assert outcome.value == GRID[value_type][kind]


EXPECTED = {
    "boolean": "boolean",
    "number": "number",
    "string": "string",
    "date": "date (ISO 8601)",
    "numbers_array": "array of numbers",
    "strings_array": "array of strings",
    "json": "JSON",
    "telephone": "telephone number (E.164)",
    "attachment": "attachment (http(s) URL)",
    "attachments_array": "array of attachments (http(s) URLs)",
}


@pytest.mark.parametrize("value_type", GRID)
def test_a_refusal_says_what_was_expected_in_the_words_of_the_type(value_type: str) -> None:
    outcome = parse_value(None, ValueType(value_type))
    assert str(outcome) == f"expected {EXPECTED[value_type]}, found null"


NAMES = {
    "true": "boolean",
    "integer": "number",
    "float": "number",
    "array of numbers": "array",
    "object": "object",
    "null": "null",
}


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("value_type", ["string", "date", "telephone", "attachment"])
def test_a_textual_type_names_the_json_type_that_it_found(value_type: str, kind: str) -> None:
    outcome = parse_value(KINDS[kind], ValueType(value_type))
    assert isinstance(outcome, Mismatch)
    assert outcome.found == NAMES[kind]


@pytest.mark.parametrize(
    ("value_type", "raw", "index"),
    [
        ("numbers_array", [1, 2, "x"], 2),
        ("numbers_array", "[1, true]", 1),
        ("numbers_array", "['1','b']", 1),
        ("strings_array", ["a", 1], 1),
        ("strings_array", '[1, "a"]', 0),
        ("attachments_array", [URL, "scan.pdf"], 1),
        ("attachments_array", ["", URL], 0),
    ],
)
def test_an_array_names_the_place_of_its_first_wrong_item(value_type: str, raw: Any, index: int) -> None:
    outcome = parse_value(raw, ValueType(value_type))
    assert isinstance(outcome, Mismatch)
    assert outcome.found.startswith("array with ")
    assert outcome.found.endswith(f" at index {index}")


@pytest.mark.parametrize("word", ["true", "t", "yes", "y", "1"])
@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title, "  {} ".format], ids=["low", "up", "title", "wide"])
def test_every_true_word_of_the_reference_in_every_spelling(word: str, spell: Any) -> None:
    assert parse_value(spell(word), ValueType.BOOLEAN) == Parsed(value=True)


@pytest.mark.parametrize("word", ["false", "f", "no", "n", "0"])
@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title, "  {} ".format], ids=["low", "up", "title", "wide"])
def test_every_false_word_of_the_reference_in_every_spelling(word: str, spell: Any) -> None:
    assert parse_value(spell(word), ValueType.BOOLEAN) == Parsed(value=False)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-05T23:59:59.999Z", datetime(2026, 3, 5, 23, 59, 59, 999_000, UTC)),
        ("2026-03-05T00:30:00+01:00", datetime(2026, 3, 4, 23, 30, tzinfo=UTC)),
        ("2026-03-05T00:30:00+0100", datetime(2026, 3, 4, 23, 30, tzinfo=UTC)),
        ("2026-03-05T00:30:00+01", datetime(2026, 3, 4, 23, 30, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2026-03-05T10:15Z", datetime(2026, 3, 5, 10, 15, tzinfo=UTC)),
        ("0001-01-01", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_date_is_one_moment_in_utc(text: str, moment: datetime) -> None:
    assert parse_value(text, ValueType.DATE) == Parsed(moment)


@pytest.mark.parametrize("text", ["2025-02-29", "2026-13-01", "2026-00-10", "2026-03-05T25:00Z", "5 March 2026", "now"])
def test_what_no_calendar_has_is_no_date(text: str) -> None:
    assert isinstance(parse_value(text, ValueType.DATE), Mismatch)


@pytest.mark.parametrize("value_type", ValueType)
def test_a_parser_chosen_once_answers_as_parsing_does(value_type: ValueType) -> None:
    parse = parser_of(value_type)
    for raw in KINDS.values():
        assert parse(raw) == parse_value(raw, value_type)


@pytest.mark.parametrize(("value_type", "item"), [("numbers_array", "number"), ("strings_array", "string")])
@given(data=st.data())
def test_an_array_is_read_as_its_items_are(value_type: str, item: str, data: st.DataObject) -> None:
    items = data.draw(st.lists(st.sampled_from([1, 2.5, "3", "x", "", True]), max_size=5))
    whole = parse_value(items, ValueType(value_type))
    parts = [parse_value(each, ValueType(item)) for each in items]
    good = [part.value for part in parts if isinstance(part, Parsed)]
    assert isinstance(whole, Parsed) is (len(good) == len(parts))
    if isinstance(whole, Parsed):
        assert whole.value == good


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_of_64_bits_are_exact_in_every_form(number: int) -> None:
    for raw in (number, str(number), f" {number} "):
        assert parse_value(raw, ValueType.NUMBER) == Parsed(number)
    assert parse_value(f"[{number}]", ValueType.NUMBERS_ARRAY) == Parsed([number])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_the_same_as_number_and_as_text(number: float) -> None:
    as_number, as_text = parse_value(number, ValueType.NUMBER), parse_value(repr(number), ValueType.NUMBER)
    assert isinstance(as_number, Parsed)
    assert as_number.value == number
    assert as_text in (as_number, parse_value(str(number), ValueType.NUMBER))


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001 (the zone is added by hand)
def test_a_moment_without_a_zone_is_never_guessed(moment: datetime) -> None:
    outcome = parse_value(moment.isoformat(), ValueType.DATE)
    assert outcome == Mismatch("date (ISO 8601)", "date-time without a time zone")
