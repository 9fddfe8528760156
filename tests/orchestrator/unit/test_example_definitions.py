"""The definitions of the project: every one can be published, and together they show all that a definition can say."""

from pathlib import Path
from typing import Any, Final

import pytest

from carewire_contracts.definition import CareFlowDefinition
from carewire_orchestrator.adapters.api.definition_files import read_file, write_file
from carewire_orchestrator.adapters.api.unknown_fields import refuse_unknown_fields
from carewire_orchestrator.domain.definition_diff import diff
from carewire_orchestrator.domain.definition_graph import graph_of
from carewire_orchestrator.domain.definition_svg import svg
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.validate import validate

FOLDER: Final = Path(__file__).parents[3] / "examples" / "definitions"
FILES: Final = sorted(FOLDER.iterdir())


def raw(file: Path) -> Any:
    return read_file(file.read_bytes(), "json" if file.suffix == ".json" else "yaml")


def read(file: Path) -> CareFlowDefinition:
    return CareFlowDefinition.model_validate(raw(file))


DEFINITIONS: Final = {file.name: read(file) for file in FILES}


def test_there_are_a_dozen() -> None:
    assert len(FILES) >= 12
    assert {file.suffix for file in FILES} == {".json", ".yaml"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_is_called_like_its_definition_and_says_nothing_that_is_not_read(file: Path) -> None:
    assert DEFINITIONS[file.name].id == file.stem
    refuse_unknown_fields(raw(file), DEFINITIONS[file.name])


@pytest.mark.parametrize("name", DEFINITIONS)
def test_an_example_has_nothing_wrong_with_it(name: str) -> None:
    assert validate(DEFINITIONS[name]) == []
    Release.of("release", 1, DEFINITIONS[name])


@pytest.mark.parametrize("name", DEFINITIONS)
def test_an_example_can_be_drawn_and_goes_through_both_kinds_of_files(name: str) -> None:
    example = DEFINITIONS[name]
    assert svg(example.title, graph_of(example)).startswith("<svg")
    for file_format in ("json", "yaml"):
        again = CareFlowDefinition.model_validate(read_file(write_file(example, file_format).encode(), file_format))
        assert diff(example, again).changed == ()


def test_together_they_show_every_kind_of_action_trigger_and_timer() -> None:
    steps = [step for one in DEFINITIONS.values() for _, step in one.steps()]
    tracks = [track for one in DEFINITIONS.values() for track in one.tracks]
    assert {action.type for step in steps for action in step.actions} == {
        "form",
        "checklist",
        "message",
        "calculation",
        "clinical_note",
        "api_call",
        "stop_care_flow",
    }
    assert {trigger.settings.type for one in DEFINITIONS.values() for trigger in one.triggers} == {
        "pathway_started",
        "track_completed",
        "step_completed",
        "data_point_collected",
        "data_point_not_collected",
        "ad_hoc",
    }
    assert {timer.type for track in tracks for timer in track.timers} == {
        "delay",
        "data_point_reference",
        "data_point_awaited",
    }
    destinations = {transition.destination.type for track in tracks for transition in track.transitions}
    assert destinations == {"step", "timer", "track_end", "pathway_end"}
