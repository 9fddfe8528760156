"""What starts tracks, told as stories."""

from typing import Any

import pytest

from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.advance import Refusal
from carewire_orchestrator.domain.care_flow import CareFlowStatus, TrackStatus
from carewire_orchestrator.domain.events import (
    BaselineUpdated,
    CareFlowEvent,
    Paused,
    Resumed,
    TrackAdded,
    TrackScheduled,
    TrackStopped,
    TrackUnscheduled,
)
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.orders import TimerCancelled, TimerSet
from carewire_testing_orchestrator.definitions import checklist, designed, message, point, release, track, trigger
from carewire_testing_orchestrator.playing import NOW, Played, number

HIGH = {"all": [{"reference": "dp_lab", "operator": "is_greater_than", "operand": 10}]}
DAY = {"amount": 1, "unit": "day"}


def flow(*baseline: GivenValue, timers: Any = (), **settings: Any) -> Played:
    """A care flow that waits for somebody, and a track that starts as its settings say."""
    main = track("main", {"a": [checklist("wait")]}, [("start", "a")])
    later = track("later", {"b": [checklist("do")]}, [("start", "b")])
    document = designed(main, later, data_points=[point("dp_lab"), point("dp_visit", "date")])
    document["triggers"] += [trigger("later", timers, **settings)]
    return Played(release(document), *baseline)


def collected(value: float) -> BaselineUpdated:
    return BaselineUpdated((number("dp_lab", value),))


def test_a_collected_data_point_starts_a_track_once() -> None:
    played = flow(type="data_point_collected", data_point_definition_id="dp_lab")
    assert played.let(collected(1)) == ["DataPointCollected", "track started later", "activity created do"]
    assert played.let(collected(2)) == ["DataPointCollected"]
    played.do("do")
    assert played.let(collected(3)) == ["DataPointCollected"], "by itself a track runs once"


def test_a_collected_data_point_starts_a_track_the_first_time_that_its_rule_holds() -> None:
    played = flow(type="data_point_collected", data_point_definition_id="dp_lab", rule=HIGH)
    assert played.let(collected(1)) == ["DataPointCollected"]
    assert played.let(collected(11))[1] == "track started later"


def test_a_baseline_value_is_collected_as_well() -> None:
    played = flow(number("dp_lab", 1), type="data_point_collected", data_point_definition_id="dp_lab")
    assert played.care_flow.tracks.keys() == {"main", "later"}


MISSED: dict[str, Any] = {
    "type": "data_point_not_collected",
    "data_point_definition_id": "dp_lab",
    "duration": {"amount": 3, "unit": "day"},
}


def test_a_data_point_that_is_not_collected_in_time_starts_a_track() -> None:
    played = flow(**MISSED)
    assert played.later(days=2) == []
    assert played.later(days=1) == ["track started later", "activity created do"]


def test_a_data_point_that_is_collected_in_time_starts_nothing() -> None:
    played = flow(**MISSED)
    played.let(collected(1))
    assert isinstance(played.orders[-1], TimerCancelled)
    assert played.later(days=9) == []
    assert flow(number("dp_lab", 1), **MISSED).orders == []


def test_a_care_flow_is_not_completed_while_a_timer_may_start_a_track() -> None:
    played = flow(**MISSED)
    assert played.do("wait") == ["activity completed wait", "track completed main"]
    assert played.care_flow.status is CareFlowStatus.ACTIVE
    assert played.later(days=3) == ["track started later", "activity created do"]
    assert played.do("do")[-1] == "CareFlowCompleted"


def test_a_care_flow_is_completed_when_there_is_nothing_to_miss_any_more() -> None:
    played = flow(**MISSED)
    played.do("wait")
    assert played.let(collected(1)) == ["DataPointCollected", "CareFlowCompleted"]


def test_a_trigger_with_timers_starts_its_track_when_the_last_is_due() -> None:
    played = flow(timers=[{"delay": DAY}, {"delay": {"amount": 12, "unit": "hour"}}], type="pathway_started")
    assert played.later(hours=12) == []
    assert played.later(hours=12) == ["track started later", "activity created do"]


def test_a_trigger_whose_date_nobody_knows_waits_for_it() -> None:
    played = flow(timers=[{"delay": DAY, "data_point_definition_id": "dp_visit"}], type="pathway_started")
    assert played.orders == []
    visit = GivenValue("dp_visit", ValueType.DATE, "2026-03-10T00:00:00.000Z")
    assert played.let(BaselineUpdated((visit,))) == ["DataPointCollected", "activity completed trg-later"]
    assert played.later(days=10) == ["track started later", "activity created do"]


def test_a_trigger_that_waits_already_does_not_wait_twice() -> None:
    played = flow(timers=[{"delay": DAY}], type="data_point_collected", data_point_definition_id="dp_lab")
    played.let(collected(1))
    played.let(collected(2))
    assert len(played.clock.moments) == 1


def test_a_track_that_somebody_started_meanwhile_is_not_started_by_its_timer() -> None:
    played = flow(timers=[{"delay": DAY}], type="pathway_started")
    assert played.let(TrackAdded("later", any_track=True))[0] == "track started later"
    assert played.clock.moments == {}
    dated = flow(timers=[{"delay": DAY, "data_point_definition_id": "dp_visit"}], type="pathway_started")
    assert dated.let(TrackAdded("later", any_track=True))[0] == "activity updated trg-later"
    assert dated.care_flow.timers == {}


def test_of_triggers_that_waited_for_the_same_date_the_first_starts_the_track_and_the_others_have_nothing_to_do() -> (
    None
):
    dated = [{"delay": DAY, "data_point_definition_id": "dp_visit"}]
    main = track("main", {"a": [checklist("wait")]}, [("start", "a")])
    later = track("later", {"b": [checklist("do")]}, [("start", "b")])
    document = designed(main, later, data_points=[point("dp_visit", "date")])
    document["triggers"] += [trigger("later", dated, type="pathway_started") | {"id": name} for name in ("one", "two")]
    played = Played(release(document))
    passed = GivenValue("dp_visit", ValueType.DATE, "2026-02-01T00:00:00.000Z")
    told = played.let(BaselineUpdated((passed,)))
    assert told.count("track started later") == 1
    assert played.care_flow.timers == {}


def test_a_track_that_an_operator_does_not_want_to_wait_for_is_not_started() -> None:
    played = flow(timers=[{"delay": DAY, "data_point_definition_id": "dp_visit"}], type="pathway_started")
    assert played.let(Resumed(played.activity("trg-later").id)) == ["activity completed trg-later"]
    assert played.do("wait")[-1] == "CareFlowCompleted"


def test_a_track_is_added_by_hand_as_often_as_it_is_not_active() -> None:
    played = flow(type="ad_hoc")
    assert played.let(TrackAdded("later")) == ["track started later", "activity created do"]
    assert played.attempt(TrackAdded("later")) is Refusal.TRACK_ACTIVE
    assert played.do("do") == ["activity completed do", "track completed later"]
    assert played.let(TrackAdded("later")) == ["track started later", "activity created do"]
    assert list(played.care_flow.tracks) == ["main", "later"]


@pytest.mark.parametrize(
    ("event", "refusal"),
    [
        (TrackAdded("nowhere"), Refusal.TRACK_NOT_FOUND),
        (TrackAdded("main"), Refusal.TRACK_NOT_AD_HOC),
        (TrackAdded("main", any_track=True), Refusal.TRACK_ACTIVE),
        (TrackScheduled("main", NOW), Refusal.TRACK_NOT_AD_HOC),
        (TrackScheduled("main", NOW, any_track=True), Refusal.TRACK_ACTIVE),
        (TrackUnscheduled("nothing"), Refusal.TIMER_NOT_PENDING),
        (TrackStopped("later"), Refusal.TRACK_NOT_ACTIVE),
        (TrackStopped("nowhere"), Refusal.TRACK_NOT_FOUND),
    ],
    ids=str,
)
def test_what_cannot_be_done_with_a_track_is_refused(event: CareFlowEvent, refusal: Refusal) -> None:
    assert flow(type="ad_hoc").attempt(event) is refusal


def test_a_track_is_added_by_hand_only_while_its_designers_rule_holds() -> None:
    played = flow(type="ad_hoc", rule=HIGH)
    assert played.attempt(TrackAdded("later")) is Refusal.TRACK_NOT_AD_HOC
    played.let(collected(11))
    assert played.let(TrackAdded("later"))[0] == "track started later"


def test_a_track_is_started_at_a_moment_that_somebody_chose() -> None:
    played = flow(type="ad_hoc")
    at = NOW.replace(month=4)
    assert played.let(TrackScheduled("later", at)) == []
    (order,) = played.orders
    assert isinstance(order, TimerSet)
    assert order.due_at == at
    assert played.do("wait")[-1] == "track completed main", "the care flow waits for the track that is to come"
    assert played.later(days=40) == ["track started later", "activity created do"]


def test_a_moment_that_has_passed_means_at_once() -> None:
    assert flow(type="ad_hoc").let(TrackScheduled("later", NOW))[0] == "track started later"


def test_a_scheduled_track_can_be_taken_back_or_replaced() -> None:
    played = flow(type="ad_hoc")
    played.let(TrackScheduled("later", NOW.replace(month=4)))
    played.let(TrackScheduled("later", NOW.replace(month=5), cancel_scheduled=True))
    (timer_id,) = played.clock.moments
    played.let(TrackUnscheduled(timer_id))
    assert played.later(days=365) == []


def test_a_scheduled_track_that_is_active_by_then_is_not_started_again() -> None:
    played = flow(type="ad_hoc")
    played.let(TrackScheduled("later", NOW.replace(month=4)))
    played.let(TrackAdded("later"))
    assert played.later(days=40) == []


def test_a_stopped_track_ends_with_all_that_is_in_it_and_leaves_the_others_alone() -> None:
    played = flow(type="pathway_started")
    assert played.let(TrackStopped("later")) == ["activity updated do", "track stopped later"]
    assert played.care_flow.tracks == {"main": TrackStatus.ACTIVE, "later": TrackStatus.STOPPED}
    assert played.do("wait")[-1] == "CareFlowCompleted"


def test_a_way_to_the_end_of_the_care_flow_completes_it_at_once() -> None:
    main = track(
        "main",
        {"a": [checklist("go")], "c": [checklist("open"), message("m")]},
        [("start", "a"), ("start", "c"), ("a", "END")],
    )
    other = track("other", {"b": [checklist("do")]}, [("start", "b")])
    document = designed(main, other)
    document["triggers"] += [
        trigger("other", type="pathway_started"),
        trigger("other", type="track_completed", track_id="main"),
    ]
    document["triggers"][-1]["id"] = "again"
    played = Played(release(document))
    assert played.do("go") == [
        "activity completed go",
        "track completed main",
        "activity updated do",
        "track stopped other",
        "activity expired open",
        "activity expired m",
        "CareFlowCompleted",
    ]
    assert played.attempt(Paused(None)) is Refusal.CARE_FLOW_ENDED
