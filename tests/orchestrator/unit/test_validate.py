"""What a definition may have wrong, each told with the node that it concerns."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_orchestrator.domain.definition_draft import DraftDefinition
from carewire_orchestrator.domain.definition_problems import ProblemCode
from carewire_orchestrator.domain.validate import validate
from carewire_testing_orchestrator.definitions import HIP, definition, starts, track


def problems(change: Callable[[dict[str, Any]], object]) -> set[tuple[str, str, str]]:
    """All problems of the follow-up after a change."""
    document = deepcopy(HIP)
    change(document)
    draft = DraftDefinition.model_validate(document)
    return {(one.severity, one.code.value, one.node_id) for one in validate(draft)}


def leave(document: dict[str, Any]) -> None:
    pass


def follow(document: dict[str, Any]) -> Any:
    return document["tracks"][0]


def transition(document: dict[str, Any], transition_id: str) -> Any:
    return next(one for one in follow(document)["transitions"] if one["id"] == transition_id)


def arrow(start: str, end: str | None, **more: Any) -> dict[str, Any]:
    return {
        "id": "new",
        "origin": {"type": "step", "node_id": start},
        "destination": {"type": "step", "node_id": end},
        **more,
    }


def other_track(document: dict[str, Any], **more: Any) -> None:
    document["tracks"].append(
        {
            "id": "trk_other",
            "key": "other",
            "title": "Other",
            "steps": [{"id": "stp_o", "key": "o", "title": "O", "actions": []}],
            "transitions": [
                {"id": "o1", "origin": {"type": "track_start"}, "destination": {"type": "step", "node_id": "stp_o"}}
            ],
            **more,
        }
    )


def trigger(document: dict[str, Any], target: str, **settings: Any) -> None:
    document["triggers"].append({"id": "trg_new", "target_id": target, "settings": settings})


def wait_for_each_other(document: dict[str, Any]) -> None:
    other_track(document)
    other_track(document, id="trk_third", key="third", steps=[], transitions=[])
    trigger(document, "trk_other", type="track_completed", track_id="trk_third")
    trigger(document, "trk_third", type="step_completed", step_id="stp_o")


def message_of(document: dict[str, Any]) -> Any:
    return follow(document)["steps"][2]["actions"][0]


def question(document: dict[str, Any], place: int) -> Any:
    return document["forms"][0]["questions"][place]


def variable(name: str) -> dict[str, Any]:
    return {"name": name, "data_point_definition_id": f"dp_{name}"}


def timing(days: int, reference: str | None = None) -> dict[str, Any]:
    return {"delay": {"amount": days, "unit": "day"}, "data_point_definition_id": reference}


def add_timer(document: dict[str, Any], **more: Any) -> None:
    """A timer at the end of the way to the call."""
    follow(document)["timers"] = [{"id": "wait", "key": "wait", "title": "Wait", **more}]
    to_it = {"destination": {"type": "timer", "node_id": "wait"}}
    follow(document)["transitions"].append(arrow("stp_call", None) | to_it)


def add_action(document: dict[str, Any], **action: Any) -> None:
    follow(document)["steps"][0]["actions"] = [{"id": "act_new", "title": "New", **action}]


WAIT = {"id": "wait", "key": "wait", "title": "W", "type": "delay", "delay": {"amount": 1, "unit": "day"}}


def tell_a_secret(document: dict[str, Any]) -> None:
    document["settings"] = {"constants": [{"name": "A", "concealed": True}]}
    add_action(document, type="message", subject="S", body="{{A}}")


CASES: dict[str, tuple[Callable[[dict[str, Any]], object], tuple[str, str, str]]] = {
    "a cycle": (
        lambda d: follow(d)["transitions"].append(arrow("stp_call", "stp_pain")),
        ("ERROR", "CYCLE_DETECTED", "stp_pain"),
    ),
    "a step that leads to itself": (
        lambda d: follow(d)["transitions"].append(arrow("stp_call", "stp_call")),
        ("ERROR", "CYCLE_DETECTED", "stp_call"),
    ),
    "a question with the id of a data point": (
        lambda d: d["forms"][0]["questions"][1].update(id="dp_age"),
        ("ERROR", "DUPLICATE", "dp_age"),
    ),
    "a question with the id of another's key": (
        lambda d: d["forms"][0]["questions"][2].update(id="pain_today"),
        ("ERROR", "DUPLICATE", "pain_today"),
    ),
    "two steps with one key": (
        lambda d: follow(d)["steps"][0].update(key="pain"),
        ("ERROR", "DUPLICATE", "stp_pain"),
    ),
    "a step with the key of its track": (
        lambda d: follow(d)["steps"][0].update(key="follow"),
        ("ERROR", "DUPLICATE", "stp_check"),
    ),
    "a data point called like an answer": (
        lambda d: d["data_points"][1].update(key="pain.pain_today"),
        ("ERROR", "DUPLICATE", "dp_age"),
    ),
    "a data point called like a date of a step": (
        lambda d: d["data_points"][1].update(id="check.ActivationDate"),
        ("ERROR", "DUPLICATE", "check.ActivationDate"),
    ),
    "an answer called like a date of a track": (
        lambda d: d["forms"][0]["questions"][2].update(id="follow.CompletionDate"),
        ("ERROR", "DUPLICATE", "follow.CompletionDate"),
    ),
    "a dynamic variable twice": (
        lambda d: message_of(d).update(dynamic_variables=[variable("age"), variable("age")]),
        ("ERROR", "DUPLICATE", "act_hello"),
    ),
    "a rule with a wrong operand": (
        lambda d: transition(d, "t2")["rule"]["all"][0].update(operand="young"),
        ("ERROR", "INCOMPLETE_CONDITION", "t2"),
    ),
    "a rule without its operand": (
        lambda d: transition(d, "t2")["rule"]["all"][0].pop("operand"),
        ("ERROR", "INCOMPLETE_CONDITION", "t2"),
    ),
    "a default transition with a rule": (
        lambda d: transition(d, "t2").update(default=True),
        ("ERROR", "INCOMPLETE_CONDITION", "t2"),
    ),
    "a rule about an unknown data point": (
        lambda d: transition(d, "t2")["rule"]["all"][0].update(reference="nobody"),
        ("ERROR", "NOT_FOUND", "t2"),
    ),
    "an unknown form": (
        lambda d: follow(d)["steps"][2]["actions"][1].update(form_definition_id="nobody"),
        ("ERROR", "NOT_FOUND", "act_pain"),
    ),
    "an unknown stakeholder": (
        lambda d: d.update(stakeholders=d["stakeholders"][:1]),
        ("ERROR", "NOT_FOUND", "act_call"),
    ),
    "a transition from nowhere": (
        lambda d: follow(d)["transitions"].append(arrow("nobody", "stp_call")),
        ("ERROR", "NOT_FOUND", "new"),
    ),
    "a transition to nowhere": (
        lambda d: follow(d)["transitions"].append(arrow("stp_call", None)),
        ("ERROR", "MISSING_DESTINATION", "new"),
    ),
    "a transition to an unknown step": (
        lambda d: follow(d)["transitions"].append(arrow("stp_call", "nobody")),
        ("ERROR", "NOT_FOUND", "new"),
    ),
    "a track that leads nowhere": (
        lambda d: follow(d).update(transitions=follow(d)["transitions"][1:]),
        ("ERROR", "MISSING_DESTINATION", "trk_follow"),
    ),
    "a definition without tracks": (
        lambda d: d.update(tracks=[]),
        ("ERROR", "MISSING_STEPS", HIP["id"]),
    ),
    "a definition without triggers": (
        lambda d: d.update(triggers=[]),
        ("ERROR", "MISSING_PATHWAY_STARTED_TRIGGER", HIP["id"]),
    ),
    "tracks that wait for each other": (
        wait_for_each_other,
        ("WARNING", "MISSING_TRIGGER", "trk_other"),
    ),
    "a track without steps": (
        lambda d: other_track(d, steps=[], transitions=[]),
        ("ERROR", "MISSING_STEPS", "trk_other"),
    ),
    "a track that nothing starts": (other_track, ("WARNING", "MISSING_TRIGGER", "trk_other")),
    "a step that nothing leads to": (
        lambda d: follow(d)["transitions"].pop(3),
        ("WARNING", "MISSING_TRIGGER", "stp_call"),
    ),
    "an empty step": (leave, ("WARNING", "MISSING_ACTIONS", "stp_check")),
    "no track that starts with the care flow": (
        lambda d: d["triggers"][0]["settings"].update(type="track_completed", track_id="trk_follow"),
        ("ERROR", "MISSING_PATHWAY_STARTED_TRIGGER", "hip-follow-up"),
    ),
    "a trigger that waits for its own track": (
        lambda d: trigger(d, "trk_follow", type="track_completed", track_id="trk_follow"),
        ("ERROR", "INVALID_TRIGGER", "trg_new"),
    ),
    "a trigger that waits for a step of its own track": (
        lambda d: trigger(d, "trk_follow", type="step_completed", step_id="stp_pain"),
        ("ERROR", "INVALID_TRIGGER", "trg_new"),
    ),
    "a trigger that does not say what it waits for": (
        lambda d: trigger(d, "trk_follow", type="step_completed"),
        ("ERROR", "INVALID_TRIGGER", "trg_new"),
    ),
    "a trigger that waits for nobody": (
        lambda d: trigger(d, "trk_follow", type="track_completed", track_id="nobody"),
        ("ERROR", "NOT_FOUND", "trg_new"),
    ),
    "a trigger that does not name its data point": (
        lambda d: trigger(d, "trk_follow", type="data_point_collected"),
        ("ERROR", "INVALID_TRIGGER", "trg_new"),
    ),
    "a trigger on an unknown data point": (
        lambda d: trigger(d, "trk_follow", type="data_point_collected", data_point_definition_id="nobody"),
        ("ERROR", "NOT_FOUND", "trg_new"),
    ),
    "a trigger on no value without its duration": (
        lambda d: trigger(d, "trk_follow", type="data_point_not_collected", data_point_definition_id="q_pain"),
        ("ERROR", "INCOMPLETE_TIMING", "trg_new"),
    ),
    "a trigger whose delay counts from a number": (
        lambda d: d["triggers"][0].update(timers=[timing(1, "dp_age")]),
        ("ERROR", "INCOMPLETE_TIMING", "trg"),
    ),
    "a transition that waits for no time": (
        lambda d: transition(d, "t1").update(timing=timing(0)),
        ("ERROR", "INCOMPLETE_TIMING", "t1"),
    ),
    "a transition that counts from nothing": (
        lambda d: transition(d, "t1").update(timing=timing(-1, "nobody")),
        ("ERROR", "NOT_FOUND", "t1"),
    ),
    "a timer until a number": (
        lambda d: add_timer(d, type="data_point_reference", data_point_definition_id="dp_age"),
        ("ERROR", "INCOMPLETE_TIMING", "wait"),
    ),
    "a timer that waits for ever": (
        lambda d: add_timer(d, type="data_point_awaited", data_point_definition_id="q_pain"),
        ("WARNING", "INCOMPLETE_TIMING", "wait"),
    ),
    "a timer that waits for nothing known": (
        lambda d: add_timer(d, type="data_point_awaited", data_point_definition_id="nobody"),
        ("ERROR", "NOT_FOUND", "wait"),
    ),
    "a timer that nothing leads to": (
        lambda d: follow(d).update(timers=[WAIT]),
        ("WARNING", "MISSING_TRIGGER", "wait"),
    ),
    "a timer that nothing follows": (
        lambda d: add_timer(d, type="delay", delay={"amount": 1, "unit": "day"}),
        ("WARNING", "MISSING_DESTINATION", "wait"),
    ),
    "a question that depends on its own answer": (
        lambda d: (
            question(d, 1).update(rule={"all": [{"reference": "q_note", "operator": "is_empty"}]}),
            question(d, 2).update(rule={"all": [{"reference": "q_pain", "operator": "is_empty"}]}),
        ),
        ("ERROR", "CYCLE_DETECTED", "q_note"),
    ),
    "a rule on a field that no profile has": (
        lambda d: transition(d, "t2")["rule"]["all"][0].update(reference="patient.shoe_size"),
        ("ERROR", "NOT_FOUND", "t2"),
    ),
    "a rule that takes a birthday for a number": (
        lambda d: transition(d, "t2")["rule"]["all"][0].update(reference="patient.birth_date"),
        ("ERROR", "INCOMPLETE_CONDITION", "t2"),
    ),
    "a trigger on the profile": (
        lambda d: trigger(d, "trk_follow", type="data_point_collected", data_point_definition_id="patient.email"),
        ("ERROR", "INVALID_TRIGGER", "trg_new"),
    ),
    "a timer until a date of the profile": (
        lambda d: add_timer(d, type="data_point_reference", data_point_definition_id="patient.birth_date"),
        ("ERROR", "INCOMPLETE_TIMING", "wait"),
    ),
    "a timer until the profile says something": (
        lambda d: add_timer(d, type="data_point_awaited", data_point_definition_id="patient.email"),
        ("ERROR", "INCOMPLETE_TIMING", "wait"),
    ),
    "a transition that counts from a date of the profile": (
        lambda d: transition(d, "t1").update(timing=timing(1, "patient.birth_date")),
        ("ERROR", "INCOMPLETE_TIMING", "t1"),
    ),
    "a text that tells when the profile was collected": (
        lambda d: message_of(d).update(
            dynamic_variables=[
                {"name": "email", "data_point_definition_id": "patient.email", "property": "collection_date"}
            ]
        ),
        ("ERROR", "INCOMPLETE_CONDITION", "act_hello"),
    ),
    "a text with a variable that is not declared": (
        lambda d: message_of(d).update(body="Dear {{ name }}"),
        ("ERROR", "NOT_FOUND", "act_hello"),
    ),
    "a variable of an unknown data point": (
        lambda d: message_of(d).update(dynamic_variables=[variable("nobody")]),
        ("ERROR", "NOT_FOUND", "act_hello"),
    ),
    "a calculation of nothing": (
        lambda d: add_action(
            d,
            type="calculation",
            expression="2 * a",
            inputs=[{"name": "a", "data_point_definition_id": "nobody"}],
            output_data_point_definition_id="dp_score",
        ),
        ("ERROR", "NOT_FOUND", "act_new"),
    ),
    "a calculation that cannot be computed": (
        lambda d: add_action(d, type="calculation", expression="2 *", output_data_point_definition_id="dp_age"),
        ("ERROR", "INCOMPLETE_CONDITION", "act_new"),
    ),
    "a calculation that would overwrite the baseline": (
        lambda d: add_action(d, type="calculation", expression="1 + 1", output_data_point_definition_id="dp_age"),
        ("ERROR", "NOT_FOUND", "act_new"),
    ),
    "an API call whose answer goes nowhere": (
        lambda d: add_action(
            d,
            type="api_call",
            method="GET",
            url="https://clinic.example/slots",
            response=[{"path": "$.id", "data_point_definition_id": "nobody"}],
        ),
        ("ERROR", "NOT_FOUND", "act_new"),
    ),
    "an API call that looks for nothing readable": (
        lambda d: add_action(
            d,
            type="api_call",
            method="GET",
            url="https://clinic.example/slots",
            response=[{"path": "id[", "data_point_definition_id": "dp_age"}],
        ),
        ("ERROR", "INCOMPLETE_CONDITION", "act_new"),
    ),
    "a clinical note with an undeclared variable": (
        lambda d: add_action(
            d,
            type="clinical_note",
            narratives=[{"id": "n", "key": "n", "title": "N", "body": "Pain {{pain}}"}],
        ),
        ("ERROR", "NOT_FOUND", "act_new"),
    ),
    "an e-mail of nobody": (
        lambda d: d.update(settings={"stakeholder_emails": [{"stakeholder_definition_id": "nobody", "email": "a@b"}]}),
        ("ERROR", "NOT_FOUND", HIP["id"]),
    ),
    "something that cannot be run yet": (
        lambda d: add_action(d, type="message", subject="S", body="B", idle_time={"amount": 1, "unit": "day"}),
        ("ERROR", "NOT_SUPPORTED", "act_new"),
    ),
    "a concealed constant in a message": (
        tell_a_secret,
        ("ERROR", "EXPOSED_SECRET", "act_new"),
    ),
    "a transition to a timer that is none": (
        lambda d: transition(d, "t1")["destination"].update(type="timer", node_id="nobody"),
        ("ERROR", "NOT_FOUND", "t1"),
    ),
    "a transition from a timer that is none": (
        lambda d: follow(d)["transitions"].append(arrow("stp_pain", "stp_call") | {"origin": {"type": "timer"}}),
        ("ERROR", "NOT_FOUND", "new"),
    ),
    "a timer with the id of a step": (
        lambda d: follow(d).update(timers=[WAIT | {"id": "stp_pain"}]),
        ("ERROR", "DUPLICATE", "stp_pain"),
    ),
    "a timer that leads back to itself": (
        lambda d: (
            follow(d).update(timers=[WAIT]),
            follow(d)["transitions"].append(
                {
                    "id": "new",
                    "origin": {"type": "timer", "node_id": "wait"},
                    "destination": {"type": "timer", "node_id": "wait"},
                }
            ),
        ),
        ("ERROR", "CYCLE_DETECTED", "wait"),
    ),
    "a question with a rule on nothing": (
        lambda d: d["forms"][0]["questions"][0].update(rule={"all": [{"reference": "nobody", "operator": "is_empty"}]}),
        ("ERROR", "NOT_FOUND", HIP["forms"][0]["questions"][0]["id"]),
    ),
    "a trigger of nobody": (
        lambda d: trigger(d, "nobody", type="pathway_started"),
        ("ERROR", "NOT_FOUND", "trg_new"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_told(name: str) -> None:
    change, expected = CASES[name]
    assert expected in problems(change)


def test_every_reason_that_a_definition_can_have_is_pinned_here() -> None:
    # Whether a value is missing is for a deployment to say, not for a definition.
    assert {code for _, (_, code, _) in CASES.values()} == set(ProblemCode) - {ProblemCode.MISSING_VALUE}


def test_the_follow_up_can_be_published() -> None:
    assert problems(leave) == {("WARNING", "MISSING_ACTIONS", "stp_check")}


def test_everything_is_told_at_once_errors_first() -> None:
    def break_much(document: dict[str, Any]) -> None:
        for change, _ in list(CASES.values())[:8]:
            change(document)

    document = deepcopy(HIP)
    break_much(document)
    found = validate(definition(document))
    assert len({one.code for one in found}) >= 4
    assert [one.severity for one in found] == sorted(one.severity for one in found)


@pytest.mark.parametrize("reference", [None, "dp_surgery", "check.CompletionDate"])
def test_a_transition_may_take_a_day_or_count_from_any_date(reference: str | None) -> None:
    found = problems(lambda d: transition(d, "t3").update(timing=timing(1, reference)))
    assert {code for _, code, _ in found} <= {"MISSING_ACTIONS", "NOT_SUPPORTED"}


def test_an_answer_may_have_its_qualified_key_for_its_id() -> None:
    assert problems(lambda d: question(d, 2).update(id="pain.note")) == {("WARNING", "MISSING_ACTIONS", "stp_check")}


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14))
def test_a_step_is_in_a_circle_when_a_way_leads_from_it_back_to_it(pairs: list[tuple[int, int]]) -> None:
    arrows = [("start", "s0"), *((f"s{one}", f"s{other}") for one, other in pairs)]
    drawn = track("t", {f"s{number}": [] for number in range(7)}, arrows)
    found = validate(definition({**HIP, "tracks": [drawn], "triggers": [starts("t")]}))
    told = {one.node_id for one in found if one.code is ProblemCode.CYCLE_DETECTED}
    ways = set(arrows)
    for _ in range(7):
        ways |= {(one, far) for one, near in ways for other, far in ways if near == other}
    assert told == {one for one, other in ways if one == other}


def test_a_track_of_thousands_of_steps_is_looked_at_in_no_time() -> None:
    names = [f"s{number}" for number in range(3_000)]
    chain = list(zip(["start", *names], names, strict=False))
    drawn = track("t", {name: [] for name in names}, chain)
    found = validate(definition({**HIP, "tracks": [drawn], "triggers": [starts("t")]}))
    assert {one.code for one in found} == {ProblemCode.MISSING_ACTIONS}
