"""Care-flow definitions for tests: a follow-up that people can read, and random ones for properties."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from carewire_contracts.definition import CareFlowDefinition
from carewire_orchestrator.domain.release import Release

HIP: dict[str, Any] = {
    "id": "hip-follow-up",
    "title": "Hip replacement follow-up",
    "data_points": [
        {"id": "dp_surgery", "key": "surgery_date", "title": "Date of surgery", "value_type": "date"},
        {
            "id": "dp_age",
            "key": "age",
            "title": "Age",
            "value_type": "number",
            "optional": True,
            "range": {"min": 0, "max": 130},
        },
        {
            "id": "dp_side",
            "key": "side",
            "title": "Side",
            "value_type": "string",
            "optional": True,
            "possible_values": [{"value": "left"}, {"value": "right"}],
        },
    ],
    "stakeholders": [
        {"id": "sh_patient", "label": "Patient", "clinical_app_role": "Patient"},
        {"id": "sh_nurse", "label": "Nurse", "clinical_app_role": "Caregiver"},
    ],
    "forms": [
        {
            "id": "form_pain",
            "key": "pain",
            "title": "Pain check",
            "questions": [
                {"id": "q_intro", "key": "intro", "title": "Hello", "user_question_type": "description"},
                {
                    "id": "q_pain",
                    "key": "pain_today",
                    "title": "Pain today",
                    "user_question_type": "slider",
                    "required": True,
                    "range": {"min": 0, "max": 10},
                },
                {"id": "q_note", "key": "note", "title": "Anything else", "user_question_type": "long_text"},
            ],
        }
    ],
    "tracks": [
        {
            "id": "trk_follow",
            "key": "follow",
            "title": "Follow-up",
            "steps": [
                {
                    "id": "stp_check",
                    "key": "check",
                    "title": "Eligibility",
                    "actions": [],
                },
                {
                    "id": "stp_minor",
                    "key": "minor",
                    "title": "Not eligible",
                    "actions": [
                        {"id": "act_stop", "type": "stop_care_flow", "title": "Stop", "reason": "Too young"},
                        {"id": "act_never", "type": "message", "title": "Never", "subject": "Never", "body": ""},
                    ],
                },
                {
                    "id": "stp_pain",
                    "key": "pain",
                    "title": "Week 1",
                    "actions": [
                        {
                            "id": "act_hello",
                            "type": "message",
                            "title": "Welcome",
                            "subject": "Welcome",
                            "body": "Hello",
                            "stakeholder_definition_ids": ["sh_patient"],
                        },
                        {
                            "id": "act_pain",
                            "type": "form",
                            "title": "Pain check",
                            "form_definition_id": "form_pain",
                            "stakeholder_definition_ids": ["sh_patient", "sh_nurse"],
                        },
                    ],
                },
                {
                    "id": "stp_call",
                    "key": "call",
                    "title": "Call",
                    "actions": [
                        {
                            "id": "act_call",
                            "type": "checklist",
                            "title": "Call the patient",
                            "items": ["Call", "Write it down"],
                            "stakeholder_definition_ids": ["sh_nurse"],
                        }
                    ],
                },
            ],
            "transitions": [
                {
                    "id": "t1",
                    "origin": {"type": "track_start"},
                    "destination": {"type": "step", "node_id": "stp_check"},
                },
                {
                    "id": "t2",
                    "origin": {"type": "step", "node_id": "stp_check"},
                    "destination": {"type": "step", "node_id": "stp_minor"},
                    "rule": {"all": [{"reference": "dp_age", "operator": "is_less_than", "operand": 18}]},
                },
                {
                    "id": "t3",
                    "origin": {"type": "step", "node_id": "stp_check"},
                    "destination": {"type": "step", "node_id": "stp_pain"},
                    "default": True,
                },
                {
                    "id": "t4",
                    "origin": {"type": "step", "node_id": "stp_pain"},
                    "destination": {"type": "step", "node_id": "stp_call"},
                    "rule": {"all": [{"reference": "q_pain", "operator": "is_greater_than", "operand": 6}]},
                },
                {
                    "id": "t5",
                    "origin": {"type": "step", "node_id": "stp_pain"},
                    "destination": {"type": "track_end"},
                    "default": True,
                },
            ],
        }
    ],
    "triggers": [{"id": "trg", "target_id": "trk_follow", "settings": {"type": "pathway_started"}}],
}
"""Too young: stopped. Else a message and a form; much pain: a checklist for the nurse. Then it is completed."""


def definition(document: dict[str, Any] = HIP, **changes: Any) -> CareFlowDefinition:
    """Read a document, some of its fields replaced."""
    return CareFlowDefinition.model_validate({**document, **changes})


def release(document: dict[str, Any] = HIP, **changes: Any) -> Release:
    """Lay a document out as version 1."""
    return Release.of("00000000-0000-7000-8000-000000000001", 1, definition(document, **changes))


def track(
    track_id: str,
    steps: dict[str, list[dict[str, Any]]],
    arrows: list[tuple[str, str]],
    timers: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """A track of steps with their actions and plain arrows between them: `start` and `end` are its own ends.

    `END` is that of the care flow.
    """
    names = {one["id"] for one in timers}
    return {
        "id": track_id,
        "key": track_id,
        "title": track_id,
        "steps": [{"id": step, "key": step, "title": step, "actions": actions} for step, actions in steps.items()],
        "transitions": [
            {
                "id": f"{track_id}-{number}",
                "origin": _end_of_arrow(start, names),
                "destination": _end_of_arrow(end, names),
            }
            for number, (start, end) in enumerate(arrows)
        ],
        "timers": list(timers),
    }


def _end_of_arrow(name: str, timers: Collection[str]) -> dict[str, Any]:
    ends = {"start": "track_start", "end": "track_end", "END": "pathway_end"}
    return {"type": ends[name]} if name in ends else {"type": "timer" if name in timers else "step", "node_id": name}


def designed(*tracks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A definition of these tracks; the first starts with the care flow unless triggers say otherwise."""
    return {"id": "d", "title": "D", "tracks": list(tracks), "triggers": [starts(tracks[0]["id"])]} | more


def timer(timer_id: str, **what: Any) -> dict[str, Any]:
    """A timer of a track."""
    return {"id": timer_id, "key": timer_id, "title": timer_id, **what}


def delay(timer_id: str, amount: int, unit: str, **more: Any) -> dict[str, Any]:
    """A timer that waits for a while."""
    return timer(timer_id, type="delay", delay={"amount": amount, "unit": unit}, **more)


def point(point_id: str, value_type: str = "number", **more: Any) -> dict[str, Any]:
    """A data point that may be left out."""
    return {"id": point_id, "key": point_id, "title": point_id, "value_type": value_type, "optional": True, **more}


def trigger(target_id: str, timers: Any = (), **settings: Any) -> dict[str, Any]:
    """A trigger of a track."""
    return {"id": f"trg-{target_id}", "target_id": target_id, "settings": settings, "timers": timers}


def checklist(action_id: str) -> dict[str, Any]:
    """An action that blocks its step."""
    return {"id": action_id, "type": "checklist", "title": action_id, "items": ["Do it"]}


def message(action_id: str) -> dict[str, Any]:
    """An action that does not block its step."""
    return {"id": action_id, "type": "message", "title": action_id, "subject": action_id, "body": ""}


def starts(track_id: str) -> dict[str, Any]:
    """A trigger that starts the track with the care flow."""
    return {"id": f"trg-{track_id}", "target_id": track_id, "settings": {"type": "pathway_started"}}


FORM = {
    "id": "form",
    "key": "form",
    "title": "Form",
    "questions": [{"id": "answer", "key": "answer", "title": "Yes?", "user_question_type": "yes_no"}],
}

_RULES: list[dict[str, Any] | None] = [
    None,
    {"all": [{"reference": "answer", "operator": "is_true"}]},
    {"all": [{"reference": "answer", "operator": "is_empty"}]},
]
_ANY_RULE = st.sampled_from(_RULES)


@st.composite
def definitions(draw: st.DrawFn) -> CareFlowDefinition:
    """Any publishable definition of up to three tracks with up to five steps each."""
    tracks = [_draw_track(draw, number) for number in range(draw(st.integers(1, 3)))]
    triggers: list[dict[str, Any]] = [starts("t0")]
    for number, later in enumerate(tracks[1:], 1):
        settings = {**draw(_occasions(number)), "rule": draw(_ANY_RULE)}
        triggers.append({"id": f"trg{number}", "target_id": later["id"], "settings": settings})
    return CareFlowDefinition.model_validate(
        {"id": "random", "title": "Random", "forms": [FORM], "tracks": tracks, "triggers": triggers}
    )


def _draw_track(draw: st.DrawFn, number: int) -> dict[str, Any]:
    count = draw(st.integers(1, 5))
    names = [f"t{number}s{step}" for step in range(count)]
    steps = {name: _draw_actions(draw, name) for name in names}
    drawn = track(f"t{number}", steps, [("start", names[0])])
    for origin in range(count):
        for target in draw(st.lists(st.integers(origin + 1, count), max_size=3, unique=True)):
            default = draw(st.booleans())
            drawn["transitions"].append(
                {
                    "id": f"{names[origin]}-{target}",
                    "origin": {"type": "step", "node_id": names[origin]},
                    "destination": (
                        {"type": "track_end"} if target == count else {"type": "step", "node_id": names[target]}
                    ),
                    "default": default,
                    "rule": None if default else draw(_ANY_RULE),
                }
            )
    return drawn


@cache
def _occasions(number: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(
        [
            {"type": "pathway_started"},
            {"type": "track_completed", "track_id": f"t{number - 1}"},
            {"type": "step_completed", "step_id": f"t{number - 1}s0"},
        ]
    )


def _draw_actions(draw: st.DrawFn, step: str) -> list[dict[str, Any]]:
    return [make(f"{step}a{index}") for index, make in enumerate(draw(_MAKERS))]


def _form(action_id: str) -> dict[str, Any]:
    return {"id": action_id, "type": "form", "title": action_id, "form_definition_id": "form"}


def _stop(action_id: str) -> dict[str, Any]:
    return {"id": action_id, "type": "stop_care_flow", "title": action_id, "reason": "Not eligible"}


# Strategies are kept: hypothesis examines each new one anew, which takes longer than to draw from it.
_MAKERS = st.lists(st.sampled_from([checklist, message, _form, _form, _stop]), max_size=3)
