"""Definitions as files: what is written is read as the same, and what could hurt is refused where it stands."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.definition import CareFlowDefinition
from carewire_orchestrator.adapters.api.definition_files import FileFormat, read_file, write_file
from carewire_orchestrator.errors import InvalidValues
from carewire_testing_orchestrator.definitions import HIP, definition, definitions

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.sampled_from(
    ["no", "Yes", "on", "null", "~", "", "1e3", "12:30", "0x1f", "010", "1_000", ".5", "2026-03-01", "<<", "=", "a: b"]
)
LINES = [
    "- ",
    "# no comment",
    "'",
    '"',
    "\u0085",
    "\u2028",
    "\ttab",
    " ",
    "\r\n",
    "%TAG",
    "---",
    "...",
    "\ufeff",
    "\U0001f600",
]


def told(text: str | bytes, file_format: FileFormat = "yaml") -> str:
    """What is said of a file that cannot be read."""
    with pytest.raises(InvalidValues) as refused:
        read_file(text if isinstance(text, bytes) else text.encode(), file_format)
    (problem,) = refused.value.problems
    assert problem.field == "document"
    return problem.message


@pytest.mark.parametrize("file_format", ["json", "yaml"])
@given(drawn=definitions(), title=WORDS.filter(lambda word: 0 < len(word) < 500 and word.isprintable()))
def test_what_is_written_is_read_as_the_same(file_format: FileFormat, drawn: CareFlowDefinition, title: str) -> None:
    changed = drawn.model_copy(update={"title": title})
    written = write_file(changed, file_format)
    assert CareFlowDefinition.model_validate(read_file(written.encode(), file_format)) == changed


@pytest.mark.parametrize("word", LINES)
def test_a_text_of_several_lines_is_read_as_the_same(word: str) -> None:
    changed = definition(HIP, documentation=f"One\n{word}\n  two {word}\n\n")
    assert read_file(write_file(changed, "yaml").encode(), "yaml")["documentation"] == changed.documentation


@given(WORDS, st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1))
def test_any_value_goes_through_yaml(word: str, number: float, count: int) -> None:
    rule = {"all": [{"reference": "dp_age", "operator": "is_equal_to", "operand": [word, number, count, True, None]}]}
    document = json.loads(json.dumps({**HIP, "triggers": [{**HIP["triggers"][0]}]}))
    document["triggers"][0]["settings"]["rule"] = rule
    read = definition(document)
    again = read_file(write_file(read, "yaml").encode(), "yaml")
    assert definition(again) == read


def test_what_goes_without_saying_is_not_written() -> None:
    assert json.loads(write_file(definition(HIP), "json")) == HIP


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("010", 10),
        ("2026-03-01", "2026-03-01"),
        ("1e3", 1000.0),
        ("true", True),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
    ],
)
def test_words_mean_what_they_mean_in_yaml_1_2(text: str, value: Any) -> None:
    assert read_file(f"a: {text}".encode(), "yaml") == {"a": value}


def test_a_bomb_of_aliases_is_refused_unexploded() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{one}: &{one} [{','.join([f'*{before}'] * 9)}]\n" for before, one in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert told(bomb) == "it has an anchor or alias at line 1, column 4; write the value out"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: *a", "it has an anchor or alias at line 1, column 4; write the value out"),
        ("a: !!python/object/apply:os.system [ls]", "it has a tag at line 1, column 4; leave it out"),
        ("a: !!binary aGVsbG8=", "it has a tag at line 1, column 4; leave it out"),
        ("a: 1\na: 2", "an object has one name twice at line 2, column 1"),
        ("1: 2", "it is no YAML at line 1, column 1"),
        ("[a]: 2", "it is no YAML at line 1, column 1"),
        ("a: 1\n b: [", "it is no YAML at line 2, column 3"),
        ("a: 1\n---\nb: 2", "it is no YAML at line 2, column 1"),
        ("[" * 100_000, "its parts are nested more than 64 deep"),
        ("a: " + "9" * 5_000, "it holds a character or a number that cannot be read"),
        ("a: 1e999", "it holds a character or a number that cannot be read"),
        ("a: \0", "it holds a character or a number that cannot be read"),
    ],
)
def test_yaml_that_cannot_be_meant_is_refused_where_it_stands(text: str, message: str) -> None:
    assert told(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is no JSON at line 1, column 1"),
        ('{\n "secret": ', "it is no JSON at line 2, column 12"),
        ('{"a": 1, "a": 2}', "an object has one name twice; the last would silently win"),
        ('{"a": NaN}', "it holds a character or a number that cannot be read"),
        ('{"a": 1e999}', "it holds a character or a number that cannot be read"),
        ("[" * 100_000, "its parts are nested more than 64 deep"),
    ],
)
def test_json_that_cannot_be_meant_is_refused_where_it_stands(text: str, message: str) -> None:
    assert told(text, "json") == message


@given(st.binary(max_size=200))
def test_whatever_is_sent_is_read_or_refused(data: bytes) -> None:
    for file_format in ("json", "yaml"):
        try:
            read_file(data.decode("utf-8", "replace").encode(), file_format)
        except InvalidValues:
            continue


def test_a_file_may_begin_with_the_mark_of_its_encoding() -> None:
    assert read_file("\ufeffa: 1".encode(), "yaml") == {"a": 1}
    assert read_file('\ufeff{"a": 1}'.encode(), "json") == {"a": 1}


def test_other_readers_of_yaml_understand_what_is_written() -> None:
    assert yaml.safe_load(write_file(definition(HIP), "yaml")) == HIP
