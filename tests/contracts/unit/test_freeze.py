"""The published files are what the models say, and what they say suits the readers of the last release."""

from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from carewire_contracts import freeze
from carewire_contracts.schema_compatibility import breaking_changes

ALL = pytest.mark.parametrize("name", freeze.schemas())


def test_the_committed_files_are_those_that_the_models_make() -> None:
    stale = [path.name for path, content in freeze.published_files().items() if path.read_bytes() != content]
    assert stale == [], "run: uv run python -m carewire_contracts.freeze"


@ALL
def test_no_change_breaks_a_reader_of_the_last_release(name: str) -> None:
    released = orjson.loads(freeze.released_schema(name).read_bytes())
    assert breaking_changes(released, freeze.schemas()[name]) == []


@ALL
def test_each_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(freeze.schemas()[name])


def test_no_released_type_is_gone() -> None:
    assert {path.name for path in freeze.RELEASED.iterdir()} <= set(freeze.schemas())


def test_writing_says_what_was_written_and_what_to_do_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(freeze, "SCHEMAS", tmp_path / "schemas")
    monkeypatch.setattr(freeze, "ASYNCAPI", tmp_path / "asyncapi.json")
    monkeypatch.setattr(freeze, "RELEASED", tmp_path / "released")
    freeze.main([])
    assert not (tmp_path / "released").exists()
    freeze.main(["--release"])
    assert (tmp_path / "released" / "pathway.completed" / "v1.json").is_file()
    assert capsys.readouterr().out.splitlines()[-1] == (
        "Wrote and released 34 schemas and the AsyncAPI document. Next: make contracts"
    )
