"""What people do to a care flow as a whole and to its activities, told as stories."""

from typing import Any

import pytest

from carewire_orchestrator.domain.advance import Refusal
from carewire_orchestrator.domain.assignees import Assignee, assignees
from carewire_orchestrator.domain.care_flow import ActivityStatus, CareFlowStatus, Reason
from carewire_orchestrator.domain.events import (
    ActivityExpired,
    ActivityReassigned,
    BaselineUpdated,
    CareFlowEvent,
    ChecklistCompleted,
    Deleted,
    Paused,
    Resumed,
    Stopped,
    TimerDue,
    TrackAdded,
    Unpaused,
)
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_testing_orchestrator.definitions import (
    checklist,
    delay,
    designed,
    message,
    point,
    release,
    track,
    trigger,
)
from carewire_testing_orchestrator.playing import PATIENT_ID, Played, number

STAFF = [
    {"id": "sh_nurse", "label": "Nurse", "clinical_app_role": "Caregiver"},
    {"id": "sh_patient", "label": "Patient", "clinical_app_role": "Patient"},
]


def flow(*baseline: GivenValue, **more: Any) -> Played:
    """Two things to do, side by side with two timers."""
    timers = [delay("short", 1, "day"), delay("long", 2, "day")]
    arrows = [("start", "a"), ("start", "long"), ("start", "short"), ("short", "b"), ("long", "c")]
    t = track(
        "t", {"a": [checklist("do"), message("m")], "b": [checklist("after")], "c": [checklist("last")]}, arrows, timers
    )
    return Played(release(designed(t, stakeholders=STAFF, data_points=[point("dp_age")], **more)), *baseline)


def test_while_it_is_paused_nothing_moves_and_timers_keep_their_clock() -> None:
    played = flow()
    assert played.let(Paused("On holiday")) == []
    assert (played.care_flow.status, played.care_flow.pause_reason) == (CareFlowStatus.PAUSED, "On holiday")
    for event in (
        ChecklistCompleted(played.activity("do").id),
        BaselineUpdated((number("dp_age", 1),)),
        TrackAdded("t"),
        Paused(None),
    ):
        assert played.attempt(event) is Refusal.CARE_FLOW_PAUSED
    assert played.later(days=9) == [], "timers are heard, and remembered"
    assert played.let(Unpaused()) == [
        "activity completed short",
        "activity created after",
        "activity completed long",
        "activity created last",
    ]
    assert played.care_flow.pause_reason is None
    assert played.attempt(Unpaused()) is Refusal.CARE_FLOW_NOT_PAUSED


def test_a_timer_that_is_not_due_yet_goes_on_after_a_pause() -> None:
    played = flow()
    played.let(Paused(None))
    played.later(days=1)
    assert played.let(Unpaused()) == ["activity completed short", "activity created after"]
    assert played.later(days=1) == ["activity completed long", "activity created last"]


def test_a_care_flow_whose_last_wait_was_over_during_the_pause_is_completed_when_it_goes_on() -> None:
    t = track("t", {}, [("start", "short"), ("short", "END")], [delay("short", 1, "day")])
    played = Played(release(designed(t)))
    played.let(Paused(None))
    assert played.later(days=2) == []
    assert played.let(Unpaused())[-1] == "CareFlowCompleted"
    assert played.care_flow.status is CareFlowStatus.COMPLETED


def test_a_timer_that_was_heard_during_a_pause_is_not_heard_again_afterwards() -> None:
    played = flow()
    short = played.activity("short").id
    played.let(Paused(None))
    played.later(days=1)
    played.let(Unpaused())
    assert played.attempt(TimerDue(short)) is Refusal.TIMER_NOT_PENDING


def test_a_paused_care_flow_can_be_stopped_and_deleted() -> None:
    for event in (Stopped("Moved away"), Deleted()):
        played = flow()
        played.let(Paused(None))
        assert "CareFlowStopped" in played.let(event)
        assert played.care_flow.status.is_final


def test_a_care_flow_that_runs_is_stopped_before_it_is_deleted() -> None:
    played = flow()
    assert played.let(Deleted()) == [
        "activity deleted do",
        "activity deleted m",
        "activity deleted long",
        "activity deleted short",
        "track stopped t",
        "CareFlowStopped",
        "CareFlowDeleted",
    ]
    assert played.clock.moments == {}
    assert played.attempt(Deleted()) is Refusal.CARE_FLOW_ENDED


def test_a_care_flow_that_has_ended_is_deleted_as_it_is() -> None:
    played = flow()
    played.let(Stopped("Moved away"))
    ended_at = played.care_flow.ended_at
    played.now = played.now.replace(year=2027)
    assert played.let(Deleted()) == ["CareFlowDeleted"]
    assert (played.care_flow.status, played.care_flow.ended_at) == (CareFlowStatus.DELETED, ended_at)


def test_an_activity_that_somebody_gives_up_does_not_hold_its_step_any_more() -> None:
    played = flow()
    assert played.let(ActivityExpired(played.activity("do").id)) == ["activity expired do"]
    assert played.activity("do").status is ActivityStatus.EXPIRED
    assert played.attempt(ActivityExpired(played.activity("do").id)) is Refusal.ACTIVITY_ENDED
    assert played.attempt(ActivityExpired(played.activity("long").id)) is Refusal.OTHER_KIND_OF_ACTIVITY


def test_an_activity_can_be_given_to_others() -> None:
    played = flow()
    do = played.activity("do")
    assert assignees(played.release, PATIENT_ID, do) == [Assignee("patient", PATIENT_ID)]
    assert played.let(ActivityReassigned(do.id, ("sh_nurse", "sh_patient"))) == ["activity updated do"]
    assert assignees(played.release, PATIENT_ID, played.activity("do")) == [
        Assignee("stakeholder", "sh_nurse", "Nurse"),
        Assignee("patient", PATIENT_ID),
    ]
    assert played.attempt(ActivityReassigned(do.id, ("nobody",))) is Refusal.STAKEHOLDER_NOT_FOUND


# Where a rule meets an empty value

ADULT = {"all": [{"reference": "dp_age", "operator": "is_greater_than_or_equal_to", "operand": 18}]}
MINOR = {"all": [{"reference": "dp_age", "operator": "is_less_than", "operand": 18}]}


def asking(*rules: Any, default: bool = False) -> Played:
    """A step from which one transition for each rule leads to a checklist of its own."""
    steps: dict[str, list[dict[str, Any]]] = {"a": []}
    arrows = [("start", "a")]
    for number_, _ in enumerate(rules):
        steps[f"s{number_}"] = [checklist(f"c{number_}")]
        arrows.append(("a", f"s{number_}"))
    t = track("t", steps, arrows)
    for transition, rule in zip(t["transitions"][1:], rules, strict=True):
        transition["rule"] = rule
    if default:
        t["transitions"].append({**t["transitions"][1], "id": "default", "rule": None, "default": True})
    document = designed(t, data_points=[point("dp_age"), point("dp_side", "string")])
    return Played(release(document))


def test_a_branch_that_meets_an_empty_value_says_so_and_waits() -> None:
    played = asking(ADULT, MINOR)
    assert played.story[-1] == "activity created evaluated_rule"
    assert played.activity("").reason is Reason.EMPTY_VALUE
    assert played.care_flow.status is CareFlowStatus.ACTIVE


def test_it_goes_on_by_itself_when_the_value_comes() -> None:
    played = asking(ADULT, MINOR)
    assert played.let(BaselineUpdated((number("dp_age", 12),))) == [
        "DataPointCollected",
        "activity completed evaluated_rule",
        "activity created c1",
    ]


def test_it_waits_on_when_another_value_comes_or_the_rule_is_still_undecided() -> None:
    both = {"all": [*ADULT["all"], {"reference": "dp_side", "operator": "is_equal_to", "operand": "left"}]}
    played = asking(both)
    assert played.let(BaselineUpdated((number("dp_age", 64),))) == ["DataPointCollected"]
    assert played.activity("").is_open


def test_an_operator_lets_it_go_on_and_then_the_rule_does_not_hold() -> None:
    played = asking(ADULT)
    assert played.let(Resumed(played.activity("").id)) == [
        "activity completed evaluated_rule",
        "track completed t",
        "CareFlowCompleted",
    ]


@pytest.mark.parametrize(
    "played",
    [
        pytest.param(lambda: asking(ADULT, default=True), id="a default is taken"),
        pytest.param(lambda: asking(ADULT, None), id="another way is taken"),
        pytest.param(
            lambda: asking({"all": [{"reference": "dp_age", "operator": "is_empty"}]}), id="the rule asks for emptiness"
        ),
    ],
)
def test_nothing_waits_where_there_is_a_way(played: Any) -> None:
    assert played().story[-1].startswith("activity created c")


def test_nothing_waits_where_the_rule_cannot_hold_whatever_the_empty_value_is() -> None:
    never = {"reference": "dp_side", "operator": "is_not_empty"}
    assert asking({"all": [never, *ADULT["all"]]}).story[-1] == "CareFlowCompleted"
    assert asking({"any": [never, {"all": [never]}]}).story[-1] == "CareFlowCompleted"
    assert asking({"any": [never, {"any": ADULT["all"]}]}).story[-1] == "activity created evaluated_rule"


def test_the_start_of_a_track_may_wait_as_well() -> None:
    t = track("t", {"a": [checklist("c")]}, [("start", "a")])
    t["transitions"][0]["rule"] = ADULT
    played = Played(release(designed(t, data_points=[point("dp_age")])))
    assert played.let(BaselineUpdated((number("dp_age", 64),)))[-1] == "activity created c"


def test_a_trigger_whose_rule_meets_an_empty_value_does_not_fire() -> None:
    t = track("t", {"a": [checklist("c")]}, [("start", "a")])
    document = designed(t, data_points=[point("dp_age")])
    document["triggers"] = [trigger("t", type="pathway_started", rule=ADULT)]
    assert Played(release(document)).story == ["CareFlowStarted", "CareFlowCompleted"]


# System dates


def test_rules_may_ask_when_a_step_was_done() -> None:
    late = {"all": [{"reference": "a.CompletionDate", "operator": "is_not_empty"}]}
    t = track("t", {"a": [checklist("c")], "b": [checklist("d")]}, [("start", "a"), ("a", "b")])
    t["transitions"][1]["rule"] = late
    played = Played(release(designed(t)))
    assert played.care_flow.system_dates == {}
    assert played.do("c")[-1] == "activity created d"
    assert played.care_flow.system_dates == {"a.CompletionDate": played.now}


def test_timers_may_count_from_when_a_track_began_or_was_completed() -> None:
    first = track("first", {"a": [checklist("c")]}, [("start", "a")])
    timing = {"delay": {"amount": 1, "unit": "day"}, "data_point_definition_id": "first.CompletionDate"}
    second = track("second", {"b": [checklist("d")]}, [("start", "b")])
    document = designed(first, second)
    document["triggers"] += [trigger("second", [timing], type="pathway_started")]
    played = Played(release(document))
    played.later(days=3)
    told = played.do("c")
    assert told == ["activity completed c", "track completed first", "activity completed trg-second"]
    assert played.later(days=1) == ["track started second", "activity created d"]


@pytest.mark.parametrize("event", [Paused(None), Unpaused(), TimerDue("x"), Resumed("x"), BaselineUpdated(())], ids=str)
def test_nothing_happens_to_a_care_flow_that_has_ended(event: CareFlowEvent) -> None:
    played = flow()
    played.let(Stopped(None))
    assert played.attempt(event) is Refusal.CARE_FLOW_ENDED
