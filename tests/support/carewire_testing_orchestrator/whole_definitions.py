"""Random definitions of all that the engine runs: every kind of node, somewhere."""

from functools import cache
from typing import Any

from hypothesis import strategies as st

from carewire_contracts.definition import CareFlowDefinition
from carewire_testing_orchestrator.definitions import checklist, delay, message, point, starts, timer, track

# Strategies are kept: hypothesis examines each new one anew, which takes longer than to draw from it.

POINTS = [
    point("p_date", "date"),
    point("p_number"),
    point("p_sum", category="calculation", range={"max": 50}),
    point("p_answer", category="api_call"),
]
FORM = {
    "id": "form",
    "key": "form",
    "title": "Form",
    "questions": [
        {"id": "q_yes", "key": "yes", "title": "Yes?", "user_question_type": "yes_no"},
        {"id": "q_number", "key": "number", "title": "How many?", "user_question_type": "number"},
    ],
}
STAKEHOLDERS = [
    {"id": "sh_patient", "label": "Patient", "clinical_app_role": "Patient"},
    {"id": "sh_nurse", "label": "Nurse", "clinical_app_role": "Caregiver"},
]
CONSTANTS = [{"name": "BASE", "value": "https://ehr.example"}, {"name": "KEY", "concealed": True}]
NUMBERS = ["p_number", "p_sum", "p_answer", "q_number"]
DATES = ["p_date", "t0.CompletionDate", "t0s0.ActivationDate"]


@cache
def rules() -> st.SearchStrategy[dict[str, Any] | None]:
    """No rule, one condition, or several joined; some of them meet empty values."""
    conditions: list[dict[str, Any]] = [
        {"reference": "q_yes", "operator": "is_true"},
        {"reference": "q_yes", "operator": "is_empty"},
        *({"reference": name, "operator": "is_greater_than", "operand": 3} for name in NUMBERS),
        *({"reference": name, "operator": "is_not_empty"} for name in DATES),
        {"reference": "patient.sex", "operator": "is_equal_to", "operand": "FEMALE"},
        {"reference": "patient.birth_date", "operator": "is_more_than_x_days_ago", "operand": 9_000},
    ]
    one = st.sampled_from(conditions)
    either = st.tuples(one, one).map(lambda two: {"any": list(two)})
    both = st.tuples(one, one | either).map(lambda two: {"all": list(two)})
    return st.none() | one.map(lambda condition: {"all": [condition]}) | either | both


@cache
def distances(least: int = 1) -> st.SearchStrategy[dict[str, Any]]:
    """Lengths of time from minutes to months."""
    units = st.sampled_from(["minute", "hour", "day", "week", "month"])
    return st.fixed_dictionaries({"amount": st.integers(least, 40), "unit": units})


@cache
def timings() -> st.SearchStrategy[dict[str, Any]]:
    """A delay from now, or around a date."""
    around = st.fixed_dictionaries({"delay": distances(-40), "data_point_definition_id": st.sampled_from(DATES)})
    return st.fixed_dictionaries({"delay": distances()}) | around


@cache
def timers(timer_id: str) -> st.SearchStrategy[dict[str, Any]]:
    """A timer of any kind."""
    awaited = {"type": "data_point_awaited"}
    dated = {"type": "data_point_reference"}
    any_kind = st.one_of(
        distances().map(lambda how: delay(timer_id, how["amount"], how["unit"])),
        st.tuples(st.sampled_from(NUMBERS), st.none() | distances()).map(
            lambda how: timer(timer_id, data_point_definition_id=how[0], timeout=how[1], **awaited)
        ),
        st.tuples(st.sampled_from(DATES), st.none() | distances(-40), st.sampled_from([None, "02:30"])).map(
            lambda how: timer(timer_id, data_point_definition_id=how[0], offset=how[1], time_of_day=how[2], **dated)
        ),
    )
    return st.tuples(any_kind, st.sampled_from([True, True, True, False])).map(
        lambda how: how[0] | {"skippable": how[1]}
    )


@cache
def actions(action_id: str) -> st.SearchStrategy[dict[str, Any]]:
    """An action of any kind."""
    named = [{"name": "n", "data_point_definition_id": "p_number"}]
    who = {"name": "who", "data_point_definition_id": "patient.first_name", "fallback": "somebody"}
    head = {"id": action_id, "title": action_id}
    form = {**head, "type": "form", "form_definition_id": "form"}
    note = {"narratives": [{"id": "n", "key": "n", "title": "N", "body": "{{n}} {{who}}"}]}
    note = {**note, "dynamic_variables": [*named, who]}
    call = {"method": "POST", "url": "{{BASE}}/{{n}}?key={{KEY}}", "body": "{{n}}", "dynamic_variables": named}
    call["headers"] = [{"name": "authorization", "value": "Bearer {{KEY}}"}]
    computed = {"inputs": named, "output_data_point_definition_id": "p_sum"}
    return st.sampled_from(
        [
            # Oftener than the others what somebody has to do, for the same reason.
            *[checklist(action_id), form] * 3,
            {**form, "stakeholder_definition_ids": ["sh_nurse", "sh_patient"]},
            message(action_id),
            {**message(action_id), "subject": "{{n}} {{who}}", "dynamic_variables": [*named, who]},
            {**head, "type": "calculation", **computed, "expression": "10 * n + 1"},
            {**head, "type": "calculation", **computed, "expression": "1 / (n - n)"},
            {**head, "type": "clinical_note", **note},
            {**head, "type": "api_call", **call, "response": [{"path": "$", "data_point_definition_id": "p_answer"}]},
            {**head, "type": "stop_care_flow", "reason": "Not eligible"},
        ]
    )


@st.composite
def whole_definitions(draw: st.DrawFn) -> CareFlowDefinition:
    """Any definition of up to three tracks with up to five steps and timers each."""
    tracks = [_draw_track(draw, number) for number in range(draw(st.sampled_from([2, 3, 1])))]
    triggers: list[dict[str, Any]] = [starts("t0")]
    for number, later in enumerate(tracks[1:], 1):
        settings = {**draw(_occasions(number)), "rule": draw(rules())}
        slow = draw(_slownesses())
        triggers.append({"id": f"trg{number}", "target_id": later["id"], "settings": settings, "timers": slow})
    reminders = draw(_reminders())
    return CareFlowDefinition.model_validate(
        {
            "id": "random",
            "title": "Random",
            "data_points": POINTS,
            "forms": [FORM],
            "stakeholders": STAKEHOLDERS,
            "tracks": tracks,
            "triggers": triggers,
            "settings": {"reminders": reminders, "constants": CONSTANTS},
        }
    )


@cache
def _slownesses() -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(timings(), max_size=1)


@cache
def _reminders() -> st.SearchStrategy[dict[str, Any] | None]:
    return st.none() | st.fixed_dictionaries({"amount": st.integers(1, 3), "delay": distances()})


@cache
def _occasions(number: int) -> st.SearchStrategy[dict[str, Any]]:
    day = {"amount": 1, "unit": "day"}
    return st.sampled_from(
        [
            {"type": "pathway_started"},
            {"type": "track_completed", "track_id": f"t{number - 1}"},
            {"type": "step_completed", "step_id": f"t{number - 1}s0"},
            {"type": "data_point_collected", "data_point_definition_id": "q_number"},
            {"type": "data_point_not_collected", "data_point_definition_id": "p_number", "duration": day},
            {"type": "ad_hoc"},
        ]
    )


def _draw_track(draw: st.DrawFn, number: int) -> dict[str, Any]:
    names = [f"t{number}s{place}" for place in range(draw(st.sampled_from([4, 3, 5, 4, 3, 2, 1])))]
    waits = [draw(timers(name)) for name in names[1:] if draw(st.booleans())]
    waiting = {one["id"] for one in waits}
    steps = {name: draw(_action_lists(name)) for name in names if name not in waiting}
    arrows = [("start", names[0])]
    for place, origin in enumerate(names):
        targets = (*names[place + 1 :], "end", *(["END"] if place > 2 else []))
        arrows += [(origin, target) for target in draw(_some_of(targets))]
    drawn = track(f"t{number}", steps, arrows, waits)
    for transition in drawn["transitions"][1:]:
        transition["default"] = draw(st.booleans())
        transition["rule"] = None if transition["default"] else draw(rules())
        transition["timing"] = draw(_perhaps_timings()) if draw(st.integers(0, 3)) == 0 else None
    return drawn


@cache
def _some_of(targets: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(targets), min_size=1, max_size=3, unique=True)


@cache
def _perhaps_timings() -> st.SearchStrategy[dict[str, Any] | None]:
    return st.none() | timings()


@cache
def _action_lists(step: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    return (
        # Few steps do nothing, or most lives would be over as soon as they begin.
        st.sampled_from([2, 1, 3, 2, 1, 0])
        .flatmap(lambda count: st.tuples(*(actions(f"{step}a{place}") for place in range(count))))
        .map(list)
    )
