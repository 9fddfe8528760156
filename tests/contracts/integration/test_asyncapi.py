"""The AsyncAPI document, held against the specification's own parser."""

import json
from pathlib import Path

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.freeze import ASYNCAPI
from carewire_testing import node

FOLDER = Path(__file__).parents[1] / "asyncapi"


def test_the_parser_finds_no_problem_and_every_public_event() -> None:
    node.install(FOLDER)
    report = json.loads(node.run(FOLDER / "check.mjs", str(ASYNCAPI)))
    assert report["problems"] == []
    assert set(report["messages"]) == set(EVENT_CATALOGUE)


def test_the_parser_does_find_problems(tmp_path: Path) -> None:
    node.install(FOLDER)
    document = json.loads(ASYNCAPI.read_bytes())
    del document["channels"]["events"]
    broken = tmp_path / "asyncapi.json"
    broken.write_text(json.dumps(document))
    report = json.loads(node.run(FOLDER / "check.mjs", str(broken)))
    assert any("events" in problem for problem in report["problems"])
