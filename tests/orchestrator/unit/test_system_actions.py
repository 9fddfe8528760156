"""What the system does by itself in a step: texts, calculations, notes and API calls, told as stories."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.advance import Refusal
from carewire_orchestrator.domain.care_flow import ActivityStatus, CareFlowStatus, Letter, Reason
from carewire_orchestrator.domain.effects import NoteWritten
from carewire_orchestrator.domain.events import (
    ActivityExpired,
    ActivityRetried,
    ApiCallAnswered,
    ApiCallFailed,
    BaselineUpdated,
)
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.orders import ApiCallRequested
from carewire_orchestrator.domain.texts import fill, in_html, in_json, in_url, plain, text_of
from carewire_testing_orchestrator.definitions import checklist, designed, point, release, track
from carewire_testing_orchestrator.playing import Played, number

POINTS = [
    point("dp_name", "string"),
    point("dp_weight"),
    point("dp_height"),
    point("dp_side", "string", possible_values=[{"value": "l", "label": "left"}, {"value": "r"}]),
    point("dp_sides", "strings_array", possible_values=[{"value": "l", "label": "left"}, {"value": "r"}]),
    point("dp_born", "date"),
    point("dp_bmi", category="calculation", range={"min": 0, "max": 60}),
    point("dp_lab", category="api_call"),
]
MORNING = {"reference": "dp_bmi", "operator": "is_greater_than", "operand": 24}


def variables(**names: Any) -> list[dict[str, Any]]:
    return [
        {"name": name, **(how if isinstance(how, dict) else {"data_point_definition_id": how})}
        for name, how in names.items()
    ]


def flow(action: dict[str, Any], *baseline: GivenValue, **more: Any) -> Played:
    """A step with the action, and then one that waits for somebody."""
    does = {"id": "does", "title": "Does", **action}
    t = track("t", {"a": [does], "b": [checklist("wait")]}, [("start", "a"), ("a", "b")])
    return Played(release(designed(t, data_points=POINTS, **more)), *baseline)


def text(definition_id: str, value: str) -> GivenValue:
    return GivenValue(definition_id, ValueType.STRING, value)


# Texts


@pytest.mark.parametrize(
    ("template", "escape", "filled"),
    [
        ("Dear {{name}}, {{ name }}!", plain, 'Dear <b>"x"</b>/é, <b>"x"</b>/é!'),
        ("<p>{{name}}</p>", in_html, "<p>&lt;b&gt;&quot;x&quot;&lt;/b&gt;/é</p>"),
        ("https://ehr.example/{{name}}?q={{name}}", in_url, None),
        ('{"name": "{{name}}"}', in_json, '{"name": "<b>\\"x\\"</b>/\\u00e9"}'),
        ("{{nobody}} {name} {{}} {{ }}", plain, "{{nobody}} {name} {{}} {{ }}"),
        ("{{twice}}", plain, "{{name}}"),
    ],
)
def test_a_text_is_filled_as_the_place_needs_it_that_it_goes_to(template: str, escape: Any, filled: str | None) -> None:
    escaped = "%3Cb%3E%22x%22%3C%2Fb%3E%2F%C3%A9"
    known = {"name": '<b>"x"</b>/é', "twice": "{{name}}"}
    assert fill(template, known, escape) == (filled or f"https://ehr.example/{escaped}?q={escaped}")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "yes"),
        (False, "no"),
        (7, "7"),
        (7.5, "7.5"),
        ("left", "left"),
        (["a", 1], "a, 1"),
        ({"a": [1]}, '{"a":[1]}'),
        (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01"),
        (datetime(2026, 3, 1, 8, 15, tzinfo=UTC), "2026-03-01T08:15:00.000Z"),
    ],
)
def test_a_value_is_written_as_people_write_it(value: Any, written: str) -> None:
    assert text_of(value, UTC) == written


def test_a_message_says_what_was_known_when_it_was_sent() -> None:
    message = {
        "type": "message",
        "subject": "For {{name}}",
        "body": "{{side}} {{sides}} {{born}} {{known}} {{weight}} {{clinic}} {{missing}}",
        "dynamic_variables": variables(
            name="dp_name",
            side={"data_point_definition_id": "dp_side", "property": "label"},
            sides={"data_point_definition_id": "dp_sides", "property": "label"},
            born="dp_born",
            known={"data_point_definition_id": "dp_born", "property": "collection_date"},
            weight={"data_point_definition_id": "dp_weight", "fallback": "?"},
        ),
    }
    played = flow(
        message,
        text("dp_name", "Iris"),
        text("dp_side", "l"),
        GivenValue("dp_sides", ValueType.STRINGS_ARRAY, ["l", "r"]),
        GivenValue("dp_born", ValueType.DATE, "1961-07-04T00:00:00.000Z"),
        settings={"constants": [{"name": "clinic", "value": "North"}]},
    )
    letter = Letter("For Iris", "left left, r 1961-07-04 2026-03-02 ? North {{missing}}")
    assert played.activity("does").letter == letter
    played.let(BaselineUpdated((text("dp_name", "Somebody else"),)))
    assert played.activity("does").letter == letter
    assert "Iris" not in repr(letter)


def test_a_message_says_an_answer_as_its_question_labels_it() -> None:
    sides = [{"value": "l", "label": "left"}, {"value": "r", "label": "right"}]
    question = {"id": "side", "key": "side", "title": "Which?", "user_question_type": "multiple_choice"}
    form = {"id": "form", "key": "form", "title": "Form", "questions": [question | {"possible_values": sides}]}
    told = {
        "id": "tells",
        "title": "Tells",
        "type": "message",
        "subject": "{{side}}",
        "body": "",
        "dynamic_variables": variables(side={"data_point_definition_id": "side", "property": "label"}),
    }
    asks = {"id": "asks", "type": "form", "title": "Asks", "form_definition_id": "form"}
    t = track("t", {"a": [asks], "b": [told]}, [("start", "a"), ("a", "b")])
    played = Played(release(designed(t, forms=[form])))
    played.do("asks", text("side", "r"))
    assert played.activity("tells").letter == Letter("right", "")


def test_a_message_without_variables_is_not_copied() -> None:
    assert flow({"type": "message", "subject": "S", "body": "B"}).activity("does").letter is None


def test_a_text_may_tell_when_a_step_began() -> None:
    named = variables(when={"data_point_definition_id": "a.ActivationDate", "property": "collection_date"})
    message = {"type": "message", "subject": "{{when}}", "body": "", "dynamic_variables": named}
    assert flow(message).activity("does").letter == Letter("2026-03-02", "")


# Calculations

BMI = {
    "type": "calculation",
    "expression": "weight / height ** 2",
    "inputs": variables(weight="dp_weight", height="dp_height"),
    "output_data_point_definition_id": "dp_bmi",
}


def test_a_calculation_collects_its_result_and_what_waits_for_it_goes_on() -> None:
    played = flow(BMI, number("dp_weight", 81), number("dp_height", 1.8))
    assert played.story[4:] == [
        "activity created does",
        "DataPointCollected",
        "activity completed does",
        "activity created wait",
    ]
    assert played.care_flow.data_points["dp_bmi"].given.value == 25


@pytest.mark.parametrize(
    ("weight", "height", "reason"),
    [
        (None, 1.8, Reason.EMPTY_VALUE),
        (81, 0, Reason.NOT_COMPUTABLE),
        (8_100, 1.8, Reason.UNSUITABLE_RESULT),
    ],
)
def test_a_calculation_without_a_result_fails_with_its_reason_and_does_not_hold_the_step(
    weight: float | None, height: float, reason: Reason
) -> None:
    known = [number("dp_height", height)] + ([] if weight is None else [number("dp_weight", weight)])
    played = flow(BMI, *known)
    assert played.story[-2:] == ["activity failed does", "activity created wait"]
    assert (played.activity("does").status, played.activity("does").reason) == (ActivityStatus.FAILED, reason)


def test_what_has_failed_can_be_tried_again_once_the_value_is_there() -> None:
    played = flow(BMI, number("dp_height", 1.8))
    failed = played.activity("does").id
    played.let(BaselineUpdated((number("dp_weight", 81),)))
    assert played.let(ActivityRetried(failed)) == [
        "activity created does",
        "DataPointCollected",
        "activity completed does",
    ]
    assert played.care_flow.activities[failed].status is ActivityStatus.FAILED
    assert played.attempt(ActivityRetried(failed)) is Refusal.ACTIVITY_RETRIED
    assert played.attempt(ActivityRetried(played.activity("does").id)) is Refusal.ACTIVITY_NOT_FAILED
    assert played.attempt(ActivityRetried(played.activity("wait").id)) is Refusal.OTHER_KIND_OF_ACTIVITY


# Notes


def test_a_clinical_note_is_written_in_html_with_its_values_escaped() -> None:
    played = flow(
        {
            "type": "clinical_note",
            "narratives": [{"id": "n1", "key": "summary", "title": "Summary", "body": "<p>{{name}}</p>"}],
            "context": [{"key": "encounter", "value": "{{name}}"}],
            "dynamic_variables": variables(name="dp_name"),
        },
        text("dp_name", "<Iris>"),
    )
    assert played.story[3:6] == ["activity created does", "NoteWritten", "activity completed does"]
    (note,) = [effect for effect in played.effects if isinstance(effect, NoteWritten)]
    assert note.narratives == (("n1", "<p>&lt;Iris&gt;</p>"),)
    assert note.context == (("encounter", "<Iris>"),)
    assert "Iris" not in repr(note)


# API calls

CALL = {
    "type": "api_call",
    "method": "POST",
    "url": "https://ehr.example/patients/{{name}}",
    "headers": [{"name": "x-name", "value": "{{name}}"}],
    "body": '{"name": "{{name}}"}',
    "dynamic_variables": variables(name="dp_name"),
    "response": [{"path": "$.lab", "data_point_definition_id": "dp_lab"}],
}


def test_an_api_call_is_asked_for_and_the_step_goes_on() -> None:
    played = flow(CALL, text("dp_name", "a/b"))
    assert played.story[-2:] == ["activity created does", "activity created wait"]
    assert played.orders == [
        ApiCallRequested(
            played.activity("does").id,
            "POST",
            ("https://ehr.example/patients/a%2Fb",),
            (("x-name", ("a/b",)),),
            ('{"name": "a/b"}',),
        )
    ]
    assert "a/b" not in repr(played.orders[0])
    assert flow(CALL | {"body": None}, text("dp_name", "a")).orders[0].body is None  # type: ignore[union-attr]


def test_an_answer_is_collected() -> None:
    played = flow(CALL, text("dp_name", "a"))
    answered = ApiCallAnswered(played.activity("does").id, (number("dp_lab", 3),))
    assert played.let(answered) == ["DataPointCollected", "activity completed does"]
    assert played.attempt(answered) is Refusal.ACTIVITY_ENDED


def test_a_call_that_was_given_up_fails_with_its_reason_and_can_be_tried_again() -> None:
    played = flow(CALL, text("dp_name", "a"))
    failed = played.activity("does").id
    assert played.let(ApiCallFailed(failed, Reason.CALL_FAILED)) == ["activity failed does"]
    assert played.let(ActivityRetried(failed)) == ["activity created does"]
    assert isinstance(played.orders[-1], ApiCallRequested)
    assert played.orders[-1].activity_id != failed, "another call is another one for the receiver as well"


def test_a_care_flow_is_not_completed_while_a_call_is_on_its_way() -> None:
    played = flow(CALL, text("dp_name", "a"))
    assert played.do("wait")[-1] == "track completed t"
    assert played.care_flow.status is CareFlowStatus.ACTIVE
    assert played.let(ApiCallAnswered(played.activity("does").id, ()))[-1] == "CareFlowCompleted"


def test_somebody_may_give_a_call_up_of_which_nothing_is_heard() -> None:
    played = flow(CALL, text("dp_name", "a"))
    assert played.let(ActivityExpired(played.activity("does").id)) == ["activity expired does"]


@pytest.mark.parametrize("name", ["a\r\nx-admin: 1", "é", "x" * 8_192], ids=["line break", "not ASCII", "too long"])
def test_a_request_that_cannot_be_sent_is_not_asked_for(name: str) -> None:
    played = flow(CALL, text("dp_name", name))
    assert played.activity("does").reason is Reason.UNSUITABLE_REQUEST
    assert played.orders == []


@pytest.mark.parametrize("name", [".", ".."])
def test_a_value_of_dots_does_not_choose_what_is_called(name: str) -> None:
    def order(url: str) -> list[Any]:
        return flow({**CALL, "url": url}, text("dp_name", name)).orders

    for url in ("/labs/{{name}}/of", "/labs/{{name}}", "/{{name}}?of=x", "/{{name}}#x"):
        assert order(f"https://ehr.example{url}") == []
    for url in ("/labs?of=/{{name}}/x", "/labs/x{{name}}", "/labs/{{name}}{{name}}x"):
        assert len(order(f"https://ehr.example{url}")) == 1


@given(st.text())
def test_no_value_leaves_the_place_in_a_url_that_it_was_given(value: str) -> None:
    if value.isprintable():
        assert not set(in_url(value)) & set("/?#&=:@ ")
