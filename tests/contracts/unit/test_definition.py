"""Care-flow definitions: the examples are definitions, and every mistake of shape is named at once."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from carewire_contracts.catalogue import CatalogueDefinition, CatalogueIdentifierSystem, CatalogueRelease
from carewire_contracts.definition import CareFlowDefinition, Question, definition_schema
from carewire_contracts.values import ValueType
from carewire_contracts.wire import decode, encode

EXAMPLES = sorted((Path(__file__).parents[3] / "examples" / "definitions").glob("*.json"))


def example(path: Path) -> CareFlowDefinition:
    return decode(CareFlowDefinition, path.read_bytes())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_a_definition_named_after_its_file_and_survives_its_wire_form(path: Path) -> None:
    definition = example(path)
    assert definition.id == path.stem
    assert decode(CareFlowDefinition, encode(definition)) == definition


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_fits_the_schema_for_editors(path: Path) -> None:
    Draft202012Validator(definition_schema()).validate(json.loads(path.read_bytes()))


def test_steps_come_with_their_tracks() -> None:
    definition = example(next(path for path in EXAMPLES if path.stem == "hip-surgery-follow-up"))
    assert [(track.id, step.id) for track, step in definition.steps()] == [
        ("eligibility", "not_eligible"),
        ("recovery", "welcome"),
        ("recovery", "first_week"),
        ("recovery", "call_back"),
    ]


@pytest.mark.parametrize(
    ("asked", "value_type", "question_type"),
    [
        ("description", None, "no_input"),
        ("multiple_choice", ValueType.STRING, "multiple_choice"),
        ("multiple_select", ValueType.STRINGS_ARRAY, "multiple_choice"),
        ("slider", ValueType.NUMBER, "input"),
        ("yes_no", ValueType.BOOLEAN, "input"),
        ("telephone", ValueType.TELEPHONE, "input"),
    ],
)
def test_a_question_s_kind_says_the_type_of_its_answer(
    asked: str, value_type: ValueType | None, question_type: str
) -> None:
    question = Question.model_validate({"id": "q", "key": "q", "title": "Q", "user_question_type": asked})
    assert (question.value_type, question.question_type) == (value_type, question_type)


def test_all_mistakes_of_shape_are_named_at_once() -> None:
    data = json.loads(EXAMPLES[0].read_bytes())
    del data["title"]
    data["tracks"][0]["steps"][0]["actions"][0]["type"] = "teleport"
    data["triggers"] = []
    with pytest.raises(ValidationError) as caught:
        CareFlowDefinition.model_validate(data)
    places = {".".join(str(part) for part in error["loc"]) for error in caught.value.errors()}
    assert {"title", "triggers", "tracks.0.steps.0.actions.0"} <= places


def test_catalogue_records_are_keyed_by_what_they_describe_and_survive_their_wire_form() -> None:
    definition = example(EXAMPLES[0])
    release = {"release_id": "rel1", "version": 1, "published_at": "2026-03-01T00:00:00Z"}
    record = CatalogueDefinition(
        definition_id=definition.id,
        title=definition.title,
        catalogue_version=3,
        live=CatalogueRelease.model_validate(release | {"data_points": definition.data_points}),
    )
    assert record.key == f"definition/{definition.id}"
    assert decode(CatalogueDefinition, encode(record)) == record
    system = CatalogueIdentifierSystem(
        system="https://north-clinic.example/mrn",
        name="mrn",
        display_name="MRN",
        placeholder_pattern="UNKNOWN|0+",
        catalogue_version=1,
    )
    assert system.key == "identifier-system/https://north-clinic.example/mrn"
    assert decode(CatalogueIdentifierSystem, encode(system)) == system
