"""Every node of a definition, field by field: what it needs, what it may leave out, and within which bounds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError

from carewire_contracts.definition import (
    ApiCallAction,
    ApiCallRetrySettings,
    AwaitedDataPointTimer,
    CalculationAction,
    CalculationInput,
    CareFlowDefinition,
    ChecklistAction,
    ClinicalNoteAction,
    Constant,
    DataPointDefinition,
    DateTimer,
    DelayTimer,
    Destination,
    Duration,
    DynamicVariable,
    Form,
    FormAction,
    Header,
    MessageAction,
    NarrativeTemplate,
    NoteContext,
    Offset,
    Origin,
    PossibleValue,
    Question,
    Range,
    Reminders,
    ResponseField,
    Settings,
    Stakeholder,
    StakeholderEmail,
    Step,
    StopCareFlowAction,
    Timing,
    Track,
    Transition,
    Trigger,
    TriggerSettings,
    definition_schema,
)
from carewire_contracts.definition.nodes import NodeId, Title
from carewire_contracts.rules import Rule
from carewire_contracts.values import ValueType
from carewire_contracts.wire import decode, encode

DAYS = {"amount": 3, "unit": "day"}
KEYED = {"id": "n", "key": "n", "title": "N"}
QUESTION = KEYED | {"user_question_type": "yes_no"}
TRACK: dict[str, Any] = KEYED | {"steps": [], "transitions": []}
TRIGGER = {"id": "t", "target_id": "n", "settings": {"type": "ad_hoc"}}
NARRATIVE = KEYED | {"body": "text"}

# The least that makes a node: all of it is needed, and nothing else.
LEAST: dict[type[BaseModel], dict[str, Any]] = {
    PossibleValue: {"value": "left"},
    DataPointDefinition: KEYED | {"value_type": "number"},
    DynamicVariable: {"name": "age", "data_point_definition_id": "age"},
    Duration: DAYS,
    Offset: {"amount": -3, "unit": "week"},
    Timing: {"delay": DAYS},
    Question: QUESTION,
    Form: KEYED | {"questions": [QUESTION]},
    FormAction: {"id": "a", "title": "A", "form_definition_id": "f"},
    ChecklistAction: {"id": "a", "title": "A", "items": ["one"]},
    MessageAction: {"id": "a", "title": "A", "subject": "S", "body": ""},
    StopCareFlowAction: {"id": "a", "title": "A", "reason": "not eligible"},
    ApiCallAction: {"id": "a", "title": "A", "method": "GET", "url": "https://ehr.example"},
    Header: {"name": "X-Key", "value": ""},
    ResponseField: {"path": "$.id", "data_point_definition_id": "d"},
    CalculationAction: {"id": "a", "title": "A", "expression": "1", "output_data_point_definition_id": "d"},
    CalculationInput: {"name": "x", "data_point_definition_id": "d"},
    ClinicalNoteAction: {"id": "a", "title": "A", "narratives": [NARRATIVE]},
    NarrativeTemplate: NARRATIVE,
    NoteContext: {"key": "encounter", "value": "1"},
    DelayTimer: KEYED | {"delay": DAYS},
    DateTimer: KEYED | {"data_point_definition_id": "d"},
    AwaitedDataPointTimer: KEYED | {"data_point_definition_id": "d"},
    Step: KEYED,
    Origin: {"type": "track_start"},
    Destination: {"type": "track_end"},
    Transition: {"id": "x", "origin": {"type": "track_start"}, "destination": {"type": "track_end"}},
    Track: TRACK,
    TriggerSettings: {"type": "pathway_started"},
    Trigger: TRIGGER,
    Reminders: {"amount": 1, "delay": DAYS},
    Stakeholder: {"id": "s", "label": "Nurse", "clinical_app_role": "Physician"},
    StakeholderEmail: {"stakeholder_definition_id": "s", "email": "team@clinic.example"},
    CareFlowDefinition: {"id": "d", "title": "D", "tracks": [TRACK], "triggers": [TRIGGER]},
}
NEEDS_NOTHING: tuple[type[BaseModel], ...] = (Range, Settings, ApiCallRetrySettings)
EACH = pytest.mark.parametrize("model", LEAST, ids=lambda model: model.__name__)


@EACH
def test_the_least_is_enough_and_comes_back_as_it_was(model: type[BaseModel]) -> None:
    node = model.model_validate(LEAST[model])
    assert decode(model, encode(node)) == node


@EACH
def test_nothing_of_the_least_can_be_left_out(model: type[BaseModel]) -> None:
    for field in LEAST[model]:
        fewer = {name: value for name, value in LEAST[model].items() if name != field}
        with pytest.raises(ValidationError) as refused:
            model.model_validate(fewer)
        assert [error["loc"] for error in refused.value.errors()] == [(field,)]


@EACH
def test_all_other_fields_have_defaults(model: type[BaseModel]) -> None:
    needed = {name for name, field in model.model_fields.items() if field.is_required()}
    assert needed == set(LEAST[model])


@EACH
def test_a_field_that_this_version_does_not_know_is_ignored(model: type[BaseModel]) -> None:
    assert model.model_validate(LEAST[model] | {"of_tomorrow": 1}) == model.model_validate(LEAST[model])


@EACH
def test_a_node_cannot_be_changed(model: type[BaseModel]) -> None:
    node = model.model_validate(LEAST[model])
    with pytest.raises(ValidationError, match="frozen"):
        setattr(node, next(iter(LEAST[model])), "other")


@EACH
def test_the_schema_for_editors_knows_the_node_with_what_it_needs(model: type[BaseModel]) -> None:
    schema = definition_schema()
    node = schema if model is CareFlowDefinition else schema["$defs"][model.__name__]
    assert set(node["required"]) == set(LEAST[model])
    assert set(node["properties"]) == set(model.model_fields)


@pytest.mark.parametrize("model", NEEDS_NOTHING, ids=lambda model: model.__name__)
def test_some_nodes_need_nothing(model: type[BaseModel]) -> None:
    assert model.model_validate({}) == model()


DEFAULTS: list[tuple[type[BaseModel], str, Any]] = [
    (DataPointDefinition, "category", "pathway"),
    (DataPointDefinition, "optional", False),
    (DataPointDefinition, "personal_data", False),
    (DynamicVariable, "property", "value"),
    (DynamicVariable, "fallback", ""),
    (Question, "required", False),
    (FormAction, "display_mode", "regular"),
    (DelayTimer, "skippable", True),
    (Transition, "default", False),
]


@pytest.mark.parametrize(("model", "field", "value"), DEFAULTS, ids=lambda part: getattr(part, "__name__", str(part)))
def test_what_is_left_out_means(model: type[BaseModel], field: str, value: Any) -> None:
    assert getattr(model.model_validate(LEAST[model]), field) == value


BOUNDS: dict[str, tuple[type[BaseModel], dict[str, Any], list[Any], list[Any]]] = {
    "how long a delay is": (Duration, {}, [{"amount": 1}, {"amount": 100_000}], [{"amount": 0}, {"amount": 100_001}]),
    "how far an offset goes": (
        Offset,
        {},
        [{"amount": -100_000}, {"amount": 0}, {"amount": 100_000}],
        [{"amount": -100_001}, {"amount": 100_001}],
    ),
    "units of time": (
        Duration,
        {},
        [{"unit": unit} for unit in ("minute", "hour", "day", "week", "month", "year")],
        [{"unit": "second"}, {"unit": "days"}, {"unit": None}],
    ),
    "a time of day": (
        DateTimer,
        {},
        [{"time_of_day": "00:00"}, {"time_of_day": "23:59"}, {"time_of_day": None}],
        [{"time_of_day": "24:00"}, {"time_of_day": "8:30"}, {"time_of_day": "08:60"}, {"time_of_day": "08:30:00"}],
    ),
    "a name of a variable": (
        DynamicVariable,
        {},
        [{"name": "a"}, {"name": "_A9"}, {"name": "a" * 128}],
        [{"name": ""}, {"name": "9a"}, {"name": "a-b"}, {"name": "a" * 129}, {"name": "a\n"}],
    ),
    "a name of an input": (
        CalculationInput,
        {},
        [{"name": "weight_kg"}],
        [{"name": "weight kg"}, {"name": "1st"}, {"name": "x;y"}],
    ),
    "a name of a header": (
        Header,
        {},
        [{"name": "X-Api-Key"}, {"name": "a" * 128}],
        [{"name": ""}, {"name": "a b"}, {"name": "a:b"}, {"name": "a\r\nb"}, {"name": "é"}],
    ),
    "a method": (
        ApiCallAction,
        {},
        [{"method": method} for method in ("GET", "POST", "PUT", "PATCH", "DELETE")],
        [{"method": "get"}, {"method": "TRACE"}],
    ),
    "an address": (ApiCallAction, {}, [{"url": "h"}, {"url": "h" * 2048}], [{"url": ""}, {"url": "h" * 2049}]),
    "an expression": (
        CalculationAction,
        {},
        [{"expression": "1" * 4096}],
        [{"expression": ""}, {"expression": "1" * 4097}],
    ),
    "a checklist": (ChecklistAction, {}, [{"items": ["a", "b"]}], [{"items": []}, {"items": [""]}, {"items": "a"}]),
    "a form": (Form, {}, [{"questions": [QUESTION, QUESTION]}], [{"questions": []}]),
    "reminders": (Reminders, {}, [{"amount": 100}], [{"amount": 0}, {"amount": 101}]),
    "a kind of value": (
        DataPointDefinition,
        {},
        [{"value_type": each.value} for each in ValueType] + [{"value_type": "NUMBER"}],
        [{"value_type": "integer"}, {"value_type": None}],
    ),
    "a source of a value": (
        DataPointDefinition,
        {},
        [{"category": name} for name in ("pathway", "api_call", "calculation")],
        [{"category": "form"}],
    ),
    "a role": (
        Stakeholder,
        {},
        [{"clinical_app_role": role} for role in ("Patient", "Physician", "Caregiver")],
        [{"clinical_app_role": "Nurse"}],
    ),
    "where a transition comes from": (
        Origin,
        {"node_id": "n"},
        [{"type": kind} for kind in ("track_start", "step", "timer")],
        [{"type": "pathway_end"}],
    ),
    "where a transition goes": (
        Destination,
        {"node_id": "n"},
        [{"type": kind} for kind in ("step", "timer", "track_end", "pathway_end")],
        [{"type": "track_start"}],
    ),
    "an e-mail": (
        StakeholderEmail,
        {},
        [{"email": "a@b"}],
        [{"email": "a"}, {"email": "a@"}, {"email": "a b@c"}, {"email": "a@b@c"}, {"email": "a@" + "b" * 320}],
    ),
    "a constant": (
        Constant,
        {"name": "BASE"},
        [{"value": "x"}, {"concealed": True}],
        [{}, {"value": "x", "concealed": True}, {"value": None}],
    ),
    "attempts of an API call": (
        ApiCallRetrySettings,
        {},
        [{"max_attempts": 1}, {"max_attempts": 100}, {"enabled": False}],
        [{"max_attempts": 0}, {"max_attempts": 101}, {"initial_delay_ms": 0}, {"max_delay_ms": 0}],
    ),
    "a delay from a date": (
        Timing,
        {},
        [
            {"delay": {"amount": -3, "unit": "day"}, "data_point_definition_id": "d"},
            {"delay": {"amount": 0, "unit": "day"}},
        ],
        [{"delay": {"amount": -3, "unit": "day"}}],
    ),
}


@pytest.mark.parametrize(("model", "base", "good", "_bad"), BOUNDS.values(), ids=BOUNDS)
def test_within_its_bounds_it_is_read(
    model: type[BaseModel], base: dict[str, Any], good: list[Any], _bad: list[Any]
) -> None:
    for change in good:
        model.model_validate(LEAST.get(model, {}) | base | change)


@pytest.mark.parametrize(("model", "base", "_good", "bad"), BOUNDS.values(), ids=BOUNDS)
def test_beyond_them_it_is_refused(
    model: type[BaseModel], base: dict[str, Any], _good: list[Any], bad: list[Any]
) -> None:
    for change in bad:
        with pytest.raises(ValidationError):
            model.model_validate(LEAST.get(model, {}) | base | change)


IDS: TypeAdapter[str] = TypeAdapter(NodeId)
TITLES: TypeAdapter[str] = TypeAdapter(Title)


@pytest.mark.parametrize("text", ["a", "hip-surgery-follow-up", "phq_9.SCORE", "A" * 128, "x-ACTIVATION", "0"])
def test_ids_of_the_reference_are_ids(text: str) -> None:
    assert IDS.validate_python(text) == text


@pytest.mark.parametrize("text", ["", "a b", "a/b", "a\n", "é", "A" * 129, "{{a}}", "$.a", "\0"])
def test_what_would_need_quoting_somewhere_is_no_id(text: str) -> None:
    with pytest.raises(ValidationError):
        IDS.validate_python(text)


@pytest.mark.parametrize(("text", "read"), [("", False), ("x", True), ("ü" * 512, True), ("x" * 513, False)])
def test_a_title_is_for_people_and_has_an_end(text: str, read: bool) -> None:
    try:
        TITLES.validate_python(text)
    except ValidationError:
        assert not read
    else:
        assert read


NAMES = st.text("abc_.-019", min_size=1, max_size=8)
RULES = st.none() | st.just(Rule.model_validate({"all": [{"reference": "n", "operator": "is_not_empty"}]}))
DURATIONS = st.builds(
    Duration, amount=st.integers(1, 100_000), unit=st.sampled_from(["minute", "hour", "day", "week", "month", "year"])
)
ACTIONS = st.one_of(
    st.builds(FormAction, id=NAMES, title=NAMES, form_definition_id=NAMES, idle_time=st.none() | DURATIONS),
    st.builds(ChecklistAction, id=NAMES, title=NAMES, items=st.lists(NAMES, min_size=1, max_size=3).map(tuple)),
    st.builds(MessageAction, id=NAMES, title=NAMES, subject=NAMES, body=st.text(max_size=20)),
    st.builds(StopCareFlowAction, id=NAMES, title=NAMES, reason=NAMES),
)
STEPS = st.builds(Step, id=NAMES, key=NAMES, title=NAMES, actions=st.lists(ACTIONS, max_size=3).map(tuple))
TIMERS = st.builds(DelayTimer, id=NAMES, key=NAMES, title=NAMES, delay=DURATIONS, skippable=st.booleans())
TRANSITIONS = st.builds(
    Transition,
    id=NAMES,
    origin=st.builds(Origin, type=st.sampled_from(["track_start", "step", "timer"]), node_id=st.none() | NAMES),
    destination=st.builds(Destination, type=st.sampled_from(["step", "track_end"]), node_id=st.none() | NAMES),
    rule=RULES,
    default=st.booleans(),
)
TRACKS = st.builds(
    Track,
    id=NAMES,
    key=NAMES,
    title=NAMES,
    steps=st.lists(STEPS, max_size=2).map(tuple),
    transitions=st.lists(TRANSITIONS, max_size=2).map(tuple),
    timers=st.lists(TIMERS, max_size=1).map(tuple),
)
DEFINITIONS = st.builds(
    CareFlowDefinition,
    id=NAMES,
    title=NAMES,
    tracks=st.lists(TRACKS, min_size=1, max_size=2).map(tuple),
    triggers=st.just((Trigger.model_validate(TRIGGER),)),
)
SCHEMA = Draft202012Validator(definition_schema())


@given(DEFINITIONS)
def test_any_definition_survives_its_wire_form_and_fits_the_schema_for_editors(definition: CareFlowDefinition) -> None:
    assert decode(CareFlowDefinition, encode(definition)) == definition
    SCHEMA.validate(definition.model_dump(mode="json", exclude_unset=True))


@given(DEFINITIONS)
def test_steps_are_walked_track_by_track(definition: CareFlowDefinition) -> None:
    walked = list(definition.steps())
    assert [step for _, step in walked] == [step for track in definition.tracks for step in track.steps]
    assert all(step in track.steps for track, step in walked)
