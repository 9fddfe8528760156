"""A history says the same when it is read as when it was written."""

from pathlib import Path

import pytest

from carewire_testing_chaos.history import Entry, History, UnreadableHistory, Writer, entry_of, line_of, read
from carewire_testing_chaos.lawful import LEAK, lawful
from carewire_testing_chaos.verdict import judge, lines

EVERY_KIND = {type(entry): entry for entry in [*lawful(), LEAK]}


@pytest.mark.parametrize("entry", EVERY_KIND.values(), ids=lambda entry: type(entry).__name__)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    assert entry_of(line_of(entry)) == entry


def test_every_kind_of_entry_is_tried() -> None:
    assert set(EVERY_KIND) == set(Entry.__args__)


def test_the_verdict_on_a_file_is_that_on_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    with file.open("wb") as opened:
        writer = Writer(opened)
        writer.note(lawful()[0])
        writer.note_all(lawful()[1:])
    again, first = read(file), History.of(lawful())
    assert list(lines(again, judge(again))) == list(lines(first, judge(first)))


@pytest.mark.parametrize(
    "line",
    [b"", b"no JSON", b"[]", b"{}", b'{"is": "Nothing"}', b'{"is": "Left", "what": "x"}', b'{"is": "Left", "a": 1}'],
)
def test_a_line_that_is_no_entry_is_named(line: bytes, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_bytes(line_of(lawful()[0]) + line + b"\n")
    with pytest.raises(UnreadableHistory, match="line 2 of"):
        read(file)
