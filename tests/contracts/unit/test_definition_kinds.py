"""Every kind of node that a definition can have, as a designer writes it, and what no designer may write."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from carewire_contracts import definition as document
from carewire_contracts.definition import (
    Action,
    CareFlowDefinition,
    Constant,
    DateTimer,
    DynamicVariable,
    Question,
    Timer,
    Timing,
    definition_schema,
)
from carewire_contracts.values import ValueType
from carewire_contracts.wire import decode, encode

DAYS = {"amount": 3, "unit": "day"}
BEFORE = {"amount": -2, "unit": "day"}
NAMED = {"id": "n", "title": "N"}
KEYED = NAMED | {"key": "n"}
NAME = {"name": "first_name", "data_point_definition_id": "dp", "property": "label", "fallback": "there"}

ACTIONS: dict[str, dict[str, Any]] = {
    "form": {"form_definition_id": "f", "display_mode": "conversational"},
    "checklist": {"items": ["one"], "idle_time": DAYS},
    "message": {"subject": "S", "body": "Hello {{first_name}}", "dynamic_variables": [NAME]},
    "stop_care_flow": {"reason": "R"},
    "api_call": {
        "method": "POST",
        "url": "https://ehr.example/{{first_name}}",
        "headers": [{"name": "X-Key", "value": "{{first_name}}"}],
        "body": '{"name": "{{first_name}}"}',
        "dynamic_variables": [NAME],
        "response": [{"path": "$.id", "data_point_definition_id": "dp"}],
    },
    "calculation": {
        "expression": "a + 1",
        "inputs": [{"name": "a", "data_point_definition_id": "dp"}],
        "output_data_point_definition_id": "sum",
    },
    "clinical_note": {
        "narratives": [KEYED | {"body": "<p>{{first_name}}</p>"}],
        "context": [{"key": "encounter", "value": "{{first_name}}"}],
        "dynamic_variables": [NAME],
    },
}

TIMERS: dict[str, dict[str, Any]] = {
    "delay": {"delay": DAYS, "skippable": False},
    "data_point_reference": {"data_point_definition_id": "dp", "offset": BEFORE, "time_of_day": "08:30"},
    "data_point_awaited": {"data_point_definition_id": "dp", "timeout": DAYS},
}

TRIGGERS: dict[str, dict[str, Any]] = {
    "pathway_started": {},
    "track_completed": {"track_id": "t"},
    "step_completed": {"step_id": "s"},
    "data_point_collected": {"data_point_definition_id": "dp"},
    "data_point_not_collected": {"data_point_definition_id": "dp", "duration": DAYS},
    "ad_hoc": {},
}


def whole() -> dict[str, Any]:
    """A definition with all of it."""
    actions = [{"type": kind, "id": f"a_{kind}", "title": kind} | more for kind, more in ACTIONS.items()]
    timers = [KEYED | {"type": kind, "id": f"t_{kind}"} | more for kind, more in TIMERS.items()]
    rule = {"all": [{"reference": "dp", "operator": "is_not_empty"}]}
    question = KEYED | {"user_question_type": "multiple_choice_grid", "rows": [{"value": "left"}], "rule": rule}
    return {
        "id": "all",
        "title": "All",
        "data_points": [KEYED | {"id": "dp", "value_type": "date", "category": "api_call"}],
        "forms": [KEYED | {"id": "f", "questions": [question]}],
        "settings": {
            "reminders": {"amount": 3, "delay": DAYS},
            "api_call_retry_settings": {"max_attempts": 7},
            "constants": [{"name": "BASE", "value": "https://ehr.example"}, {"name": "KEY", "concealed": True}],
            "stakeholder_emails": [{"stakeholder_definition_id": "s", "email": "team@clinic.example"}],
        },
        "tracks": [
            KEYED
            | {
                "id": "t",
                "labels": ["recovery"],
                "documentation": "Why this track is there",
                "steps": [KEYED | {"id": "s", "actions": actions, "labels": ["first"]}],
                "timers": timers,
                "transitions": [
                    {
                        "id": "x",
                        "origin": {"type": "timer", "node_id": "t_delay"},
                        "destination": {"type": "pathway_end"},
                        "timing": {"delay": BEFORE, "data_point_definition_id": "dp"},
                    }
                ],
            }
        ],
        "triggers": [
            {"id": kind, "target_id": "t", "settings": {"type": kind} | more, "timers": [{"delay": DAYS}]}
            for kind, more in TRIGGERS.items()
        ],
    }


def test_a_definition_with_everything_survives_its_wire_form() -> None:
    definition = CareFlowDefinition.model_validate(whole())
    assert decode(CareFlowDefinition, encode(definition)) == definition


def test_a_definition_with_everything_fits_the_schema_for_editors() -> None:
    Draft202012Validator(definition_schema()).validate(whole())


@pytest.mark.parametrize(("kind", "more"), ACTIONS.items(), ids=ACTIONS)
def test_an_action_is_read_by_its_kind(kind: str, more: dict[str, Any]) -> None:
    action = TypeAdapter[Action](Action).validate_python(NAMED | {"type": kind} | more)
    assert (action.type, action.model_fields_set) == (kind, {*NAMED, "type", *more})


@pytest.mark.parametrize(("kind", "more"), TIMERS.items(), ids=TIMERS)
def test_a_timer_is_read_by_its_kind(kind: str, more: dict[str, Any]) -> None:
    timer = TypeAdapter[Timer](Timer).validate_python(KEYED | {"type": kind} | more)
    assert (timer.type, timer.model_fields_set) == (kind, {*KEYED, "type", *more})


@pytest.mark.parametrize(
    ("asked", "value_type"),
    [
        ("multiple_choice_grid", ValueType.JSON),
        ("signature", ValueType.ATTACHMENT),
        ("file", ValueType.ATTACHMENT),
        ("image", ValueType.ATTACHMENT),
        ("icd10_classification", ValueType.STRING),
    ],
)
def test_a_question_s_answer_has_the_type_of_its_kind(asked: str, value_type: ValueType) -> None:
    assert Question.model_validate(KEYED | {"user_question_type": asked}).value_type is value_type


def test_what_is_left_out_has_the_defaults_of_the_reference() -> None:
    settings = CareFlowDefinition.model_validate(whole()).settings.api_call_retry_settings
    assert settings is not None
    assert (settings.enabled, settings.initial_delay_ms, settings.max_delay_ms) == (True, 2_000, 3_600_000)
    plain = {name: part for name, part in whole().items() if name in ("id", "title", "tracks", "triggers")}
    assert CareFlowDefinition.model_validate(plain).settings.constants == ()


WRONG: dict[str, tuple[Any, dict[str, Any]]] = {
    "a delay before now": (Timing, {"delay": BEFORE}),
    "a time of day that no clock shows": (
        DateTimer,
        KEYED | {"data_point_definition_id": "dp", "time_of_day": "24:00"},
    ),
    "a wait of no time": (document.DelayTimer, KEYED | {"delay": {"amount": 0, "unit": "day"}}),
    "a secret in the document": (Constant, {"name": "KEY", "value": "x", "concealed": True}),
    "a constant without a value": (Constant, {"name": "BASE"}),
    "a variable that no template can name": (DynamicVariable, NAME | {"name": "first name"}),
    "a header that splits the call": (document.Header, {"name": "a\r\nb", "value": "x"}),
    "an address without a host": (
        document.StakeholderEmail,
        {"stakeholder_definition_id": "s", "email": "team"},
    ),
}


@pytest.mark.parametrize(("model", "data"), WRONG.values(), ids=WRONG)
def test_it_is_refused(model: Any, data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(data)
