"""What a care flow does, told as stories."""

from datetime import timedelta
from typing import Any

import pytest

from carewire_orchestrator.domain.advance import Refusal, advance
from carewire_orchestrator.domain.care_flow import ActivityStatus, CareFlow, CareFlowStatus, StepStatus
from carewire_orchestrator.domain.events import (
    CareFlowEvent,
    ChecklistCompleted,
    FormSubmitted,
    MessageRead,
    Started,
    Stopped,
)
from carewire_testing_orchestrator.definitions import HIP, checklist, message, release, starts, track
from carewire_testing_orchestrator.playing import NOW, Played, number

HAPPY_START = [
    "CareFlowStarted",
    "DataPointCollected",
    "track started trk_follow",
    "activity created act_hello",
    "activity created act_pain",
]


def flow(*tracks: dict[str, Any], triggers: list[dict[str, Any]] | None = None) -> Played:
    """A care flow of these tracks, all started with it unless triggers say otherwise."""
    started = [starts(one["id"]) for one in tracks]
    return Played(
        release({"id": "d", "title": "D", "tracks": list(tracks), "triggers": triggers or started}),
    )


def test_a_care_flow_starts_its_tracks_and_waits_for_what_blocks() -> None:
    played = Played(release(), number("dp_age", 64))
    assert played.story == HAPPY_START
    assert played.care_flow.status is CareFlowStatus.ACTIVE


def test_a_submitted_form_collects_its_answers_before_anything_follows_from_them() -> None:
    played = Played(release(), number("dp_age", 64))
    assert played.do("act_pain", number("q_pain", 8)) == [
        "FormAnswered",
        "DataPointCollected",
        "activity completed act_pain",
        "activity created act_call",
    ]
    assert played.do("act_call") == [
        "activity completed act_call",
        "track completed trk_follow",
        "activity expired act_hello",
        "CareFlowCompleted",
    ]


def test_a_default_transition_is_taken_when_no_rule_holds() -> None:
    played = Played(release(), number("dp_age", 64))
    assert played.do("act_pain", number("q_pain", 2))[-1] == "CareFlowCompleted"


def test_a_read_message_does_not_expire() -> None:
    played = Played(release(), number("dp_age", 64))
    assert played.do("act_hello") == ["activity completed act_hello"]
    assert "activity expired act_hello" not in played.do("act_pain", number("q_pain", 2))


def test_an_eligibility_check_stops_the_care_flow_and_nothing_after_it_is_made() -> None:
    played = Played(release(), number("dp_age", 17))
    assert played.story[3:] == [
        "activity created act_stop",
        "activity completed act_stop",
        "track stopped trk_follow",
        "CareFlowStopped",
    ]
    assert played.care_flow.stop_reason == "Too young"


def test_a_rule_on_an_empty_value_does_not_hold() -> None:
    assert Played(release()).care_flow.steps["stp_pain"] is StepStatus.ACTIVE


def test_a_stop_cancels_open_activities_and_stops_tracks() -> None:
    played = Played(release(), number("dp_age", 64))
    assert played.let(Stopped("Moved away")) == [
        "activity updated act_hello",
        "activity updated act_pain",
        "track stopped trk_follow",
        "CareFlowStopped",
    ]
    assert {one.status for one in played.care_flow.activities.values()} == {ActivityStatus.CANCELED}
    assert played.care_flow.steps["stp_pain"] is StepStatus.DISCARDED


def test_several_transitions_that_hold_are_a_fork() -> None:
    steps = {"a": [], "b": [checklist("b1")], "c": [checklist("c1")]}
    played = flow(track("t", steps, [("start", "a"), ("a", "b"), ("a", "c")]))
    assert played.story[2:] == ["activity created b1", "activity created c1"]


def test_a_join_is_reached_by_the_first_that_arrives_and_only_once() -> None:
    steps = {"a": [checklist("a1")], "b": [checklist("b1")], "join": [checklist("j1")]}
    played = flow(track("t", steps, [("start", "a"), ("start", "b"), ("a", "join"), ("b", "join")]))
    assert played.do("a1") == ["activity completed a1", "activity created j1"]
    assert played.do("j1") == ["activity completed j1"]
    assert played.do("b1") == ["activity completed b1", "track completed t", "CareFlowCompleted"]


def test_the_end_of_a_track_ends_one_branch_and_not_the_others() -> None:
    steps = {"a": [checklist("a1")], "b": [checklist("b1")]}
    played = flow(track("t", steps, [("start", "a"), ("start", "b"), ("a", "end"), ("b", "end")]))
    assert played.do("a1") == ["activity completed a1"]
    assert played.do("b1")[-1] == "CareFlowCompleted"


def test_a_track_is_started_by_the_completion_of_another_or_of_a_step() -> None:
    first = track("first", {"a": [checklist("a1")], "b": [checklist("b1")]}, [("start", "a"), ("a", "b")])
    by_step = track("by_step", {"c": [message("c1")]}, [("start", "c")])
    by_track = track("by_track", {"d": []}, [("start", "d")])
    played = flow(
        first,
        by_step,
        by_track,
        triggers=[
            starts("first"),
            {"id": "1", "target_id": "by_step", "settings": {"type": "step_completed", "step_id": "a"}},
            {"id": "2", "target_id": "by_track", "settings": {"type": "track_completed", "track_id": "first"}},
        ],
    )
    assert played.do("a1") == [
        "activity completed a1",
        "track started by_step",
        "activity created b1",
        "activity created c1",
        "track completed by_step",
    ]
    assert played.do("b1") == [
        "activity completed b1",
        "track completed first",
        "track started by_track",
        "track completed by_track",
        "activity expired c1",
        "CareFlowCompleted",
    ]


def test_a_care_flow_in_which_no_trigger_fires_is_completed_at_once() -> None:
    rule = {"all": [{"reference": "dp_age", "operator": "is_greater_than", "operand": 90}]}
    trigger = {"id": "t", "target_id": "trk_follow", "settings": {"type": "pathway_started", "rule": rule}}
    played = Played(release(HIP, triggers=[trigger]), number("dp_age", 64))
    assert played.story == ["CareFlowStarted", "DataPointCollected", "CareFlowCompleted"]


def test_ids_and_effects_depend_on_nothing_but_what_was_given() -> None:
    assert Played(release(), number("dp_age", 64)).effects == Played(release(), number("dp_age", 64)).effects


def test_ids_are_unique() -> None:
    played = Played(release(), number("dp_age", 64))
    played.do("act_pain", number("q_pain", 8), number("q_note", 1))
    ids = [*played.care_flow.activities, *(value.id for value in played.care_flow.data_points.values())]
    assert len(set(ids)) == len(ids)


def test_the_moment_is_cut_to_what_a_timestamp_can_say() -> None:
    care_flow = CareFlow(id="c", release_id="r", patient_id="p")
    advanced = advance(release(), care_flow, Started(()), NOW + timedelta(microseconds=999))
    assert not isinstance(advanced, Refusal)
    assert advanced.care_flow.started_at == NOW


@pytest.mark.parametrize(
    ("event", "refusal"),
    [
        (Started(()), Refusal.ALREADY_STARTED),
        (ChecklistCompleted("nobody"), Refusal.ACTIVITY_NOT_FOUND),
        (MessageRead("the form"), Refusal.OTHER_KIND_OF_ACTIVITY),
        (FormSubmitted("the message", ()), Refusal.OTHER_KIND_OF_ACTIVITY),
    ],
)
def test_what_cannot_happen_is_refused(event: CareFlowEvent, refusal: Refusal) -> None:
    played = Played(release(), number("dp_age", 64))
    ids = {"the form": played.activity("act_pain").id, "the message": played.activity("act_hello").id}
    match event:
        case MessageRead(activity_id):
            event = MessageRead(ids[activity_id])
        case FormSubmitted(activity_id):
            event = FormSubmitted(ids[activity_id], ())
    assert played.attempt(event) is refusal


def test_an_activity_is_done_once() -> None:
    played = Played(release(), number("dp_age", 64))
    played.do("act_hello")
    assert played.attempt(MessageRead(played.activity("act_hello").id)) is Refusal.ACTIVITY_ENDED


def test_nothing_happens_to_a_care_flow_that_has_ended_or_not_begun() -> None:
    played = Played(release(), number("dp_age", 17))
    assert played.attempt(Stopped(None)) is Refusal.CARE_FLOW_ENDED
    begun = CareFlow(id="c", release_id="r", patient_id="p")
    assert advance(release(), begun, Stopped(None), NOW) is Refusal.NOT_STARTED
