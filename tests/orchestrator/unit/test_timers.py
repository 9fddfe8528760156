"""Waiting, told as stories: delays, dates, values that are awaited, and what happens when time runs out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.advance import Refusal
from carewire_orchestrator.domain.care_flow import ActivityStatus, Reason, StepStatus
from carewire_orchestrator.domain.effects import Reminded
from carewire_orchestrator.domain.events import BaselineUpdated, Resumed, Stopped, TimerDue, TimerSkipped, TrackStopped
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.orders import TimerCancelled, TimerSet
from carewire_testing_orchestrator.definitions import (
    checklist,
    delay,
    designed,
    message,
    point,
    release,
    timer,
    track,
    trigger,
)
from carewire_testing_orchestrator.playing import NOW, Played, number

WEEK = delay("week", 1, "week")
ON_SURGERY = timer("surgery", type="data_point_reference", data_point_definition_id="dp_surgery")
AWAITED = timer(
    "lab",
    type="data_point_awaited",
    data_point_definition_id="dp_lab",
    timeout={"amount": 2, "unit": "day"},
)


def date(definition_id: str, text: str) -> GivenValue:
    return GivenValue(definition_id, ValueType.DATE, text)


def waiting(node: dict[str, Any], *baseline: GivenValue, **how: Any) -> Played:
    """A track that comes to a timer, and then to a checklist."""
    points = [point("dp_surgery", "date"), point("dp_lab")]
    t = track("t", {"after": [checklist("do")]}, [("start", node["id"]), (node["id"], "after")], [node])
    return Played(release(designed(t, data_points=points)), *baseline, **how)


def test_a_delay_is_waited_for_and_then_the_track_goes_on() -> None:
    played = waiting(WEEK)
    assert played.story == ["CareFlowStarted", "track started t", "activity created week"]
    assert played.orders == [TimerSet(played.activity("week").id, NOW + timedelta(days=7))]
    assert played.later(days=6) == []
    assert played.later(days=1) == ["activity completed week", "activity created do"]
    assert played.care_flow.steps["week"] is StepStatus.DONE
    assert played.do("do")[-1] == "CareFlowCompleted"


def test_a_day_is_one_of_the_patients_calendar() -> None:
    start = datetime(2026, 3, 28, 9, 0, tzinfo=UTC)
    played = waiting(delay("day", 1, "day"), time_zone="Europe/Brussels", now=start)
    assert played.activity("day").due_at == start + timedelta(hours=23)


def test_a_timer_that_is_late_fires_once_and_counts_from_when_it_fires() -> None:
    played = waiting(WEEK)
    timer_id = played.activity("week").id
    assert played.much_later(days=30) == ["activity completed week", "activity created do"]
    assert played.attempt(TimerDue(timer_id)) is Refusal.TIMER_NOT_PENDING


def test_a_timer_is_never_early() -> None:
    played = waiting(WEEK)
    assert played.attempt(TimerDue(played.activity("week").id)) is Refusal.TIMER_NOT_DUE
    assert played.attempt(TimerDue("nobody")) is Refusal.TIMER_NOT_PENDING


def test_a_timer_is_skipped_by_hand_where_its_designer_allows_it() -> None:
    played = waiting(WEEK)
    week = played.activity("week").id
    assert played.let(TimerSkipped(week)) == ["activity completed week", "activity created do"]
    assert played.orders[-1] == TimerCancelled(week)
    assert played.attempt(TimerDue(week)) is Refusal.TIMER_NOT_PENDING
    strict = waiting(WEEK | {"skippable": False})
    assert strict.attempt(TimerSkipped(strict.activity("week").id)) is Refusal.TIMER_NOT_SKIPPABLE


@pytest.mark.parametrize("end", [Stopped("Moved away"), TrackStopped("t")], ids=["care flow", "track"])
def test_a_timer_ends_with_its_track(end: Stopped | TrackStopped) -> None:
    played = waiting(WEEK)
    week = played.activity("week")
    assert played.let(end)[:2] == ["activity updated week", "track stopped t"]
    assert played.orders[-1] == TimerCancelled(week.id)
    assert played.activity("week").status is ActivityStatus.CANCELED
    assert played.care_flow.steps["week"] is StepStatus.DISCARDED
    assert played.care_flow.timers == {}


def test_a_date_is_waited_for_some_time_before_it_at_a_time_of_day_of_the_patient() -> None:
    node = ON_SURGERY | {"offset": {"amount": -2, "unit": "day"}, "time_of_day": "09:00"}
    played = waiting(node, date("dp_surgery", "2026-04-10T00:00:00.000Z"), time_zone="Europe/Brussels")
    assert played.activity("surgery").due_at == datetime(2026, 4, 8, 7, 0, tzinfo=UTC)


def test_a_date_that_has_passed_is_not_waited_for() -> None:
    played = waiting(ON_SURGERY, date("dp_surgery", "2026-03-01T00:00:00.000Z"))
    assert played.story[-3:] == ["activity created surgery", "activity completed surgery", "activity created do"]
    assert played.orders == []


def test_a_date_that_nobody_knows_is_waited_for_and_the_activity_says_so() -> None:
    played = waiting(ON_SURGERY)
    assert played.activity("surgery").reason is Reason.EMPTY_VALUE
    assert played.activity("surgery").due_at is None
    assert played.orders == []
    assert played.attempt(TimerDue(played.activity("surgery").id)) is Refusal.TIMER_NOT_DUE
    told = played.let(BaselineUpdated((date("dp_surgery", "2026-03-10T00:00:00.000Z"),)))
    assert told == ["DataPointCollected", "activity updated surgery"]
    assert played.activity("surgery").reason is None
    assert played.later(days=10) == ["activity completed surgery", "activity created do"]


def test_a_wait_for_a_date_that_nobody_knows_can_be_skipped_by_an_operator() -> None:
    played = waiting(ON_SURGERY)
    assert played.let(TimerSkipped(played.activity("surgery").id))[-1] == "activity created do"


def test_a_date_that_changes_while_it_is_waited_for_changes_the_moment() -> None:
    played = waiting(ON_SURGERY, date("dp_surgery", "2026-03-10T00:00:00.000Z"))
    surgery = played.activity("surgery").id
    later = datetime(2026, 3, 20, tzinfo=UTC)
    played.let(BaselineUpdated((date("dp_surgery", "2026-03-20T00:00:00.000Z"),)))
    assert played.orders[-1] == TimerSet(surgery, later)
    played.now = datetime(2026, 3, 11, tzinfo=UTC)
    assert played.attempt(TimerDue(surgery)) is Refusal.TIMER_NOT_DUE, (
        "a process may have heard of the old moment alone"
    )
    told = played.let(BaselineUpdated((date("dp_surgery", "2026-03-05T00:00:00.000Z"),)))
    assert told == [
        "DataPointCollected",
        "activity updated surgery",
        "activity completed surgery",
        "activity created do",
    ]
    assert played.clock.moments == {}


def test_an_awaited_data_point_ends_the_wait_and_the_timeout_with_it() -> None:
    played = waiting(AWAITED)
    assert played.let(BaselineUpdated((number("dp_lab", 3),))) == [
        "DataPointCollected",
        "activity completed lab",
        "activity created do",
    ]
    assert played.later(days=9) == []


def test_an_awaited_data_point_is_waited_for_no_longer_than_the_timeout() -> None:
    assert waiting(AWAITED).later(days=2) == ["activity completed lab", "activity created do"]


def test_an_awaited_data_point_without_a_timeout_is_waited_for_as_long_as_it_takes() -> None:
    played = waiting({name: value for name, value in AWAITED.items() if name != "timeout"})
    assert played.orders == []
    assert played.later(days=4_000) == []
    assert played.let(BaselineUpdated((number("dp_lab", 3),)))[-1] == "activity created do"


def test_an_awaited_data_point_that_is_known_already_is_not_waited_for() -> None:
    assert waiting(AWAITED, number("dp_lab", 3)).story[-1] == "activity created do"


def test_an_answer_to_a_form_ends_a_wait_as_any_value_does() -> None:
    form = {
        "id": "f",
        "key": "f",
        "title": "F",
        "questions": [{"id": "q", "key": "q", "title": "?", "user_question_type": "number"}],
    }
    asks = track(
        "asks", {"a": [{"id": "ask", "type": "form", "title": "F", "form_definition_id": "f"}]}, [("start", "a")]
    )
    node = AWAITED | {"data_point_definition_id": "q"}
    awaits = track("awaits", {"b": [message("m")]}, [("start", "lab"), ("lab", "b")], [node])
    document = designed(asks, awaits, forms=[form])
    document["triggers"] += [trigger("awaits", type="pathway_started")]
    played = Played(release(document))
    assert played.do("ask", number("q", 1))[2:4] == ["activity completed ask", "activity completed lab"]


def test_a_join_after_two_timers_is_reached_by_the_one_that_is_due_first() -> None:
    short = delay("short", 1, "hour")
    arrows = [("start", "week"), ("start", "short"), ("week", "after"), ("short", "after")]
    played = Played(release(designed(track("t", {"after": [checklist("do")]}, arrows, [WEEK, short]))))
    assert played.later(hours=1) == ["activity completed short", "activity created do"]
    assert played.do("do") == ["activity completed do"], "the track waits for its other timer"
    assert played.later(days=7) == ["activity completed week", "track completed t", "CareFlowCompleted"]


def test_a_timer_to_which_two_ways_lead_is_waited_for_once() -> None:
    arrows = [("start", "a"), ("start", "b"), ("a", "week"), ("b", "week"), ("week", "c")]
    played = Played(release(designed(track("t", {"a": [], "b": [], "c": []}, arrows, [WEEK]))))
    assert played.story.count("activity created week") == 1


def timed(timing: dict[str, Any], *baseline: GivenValue) -> Played:
    """A track whose only transition takes time."""
    t = track("t", {"after": [checklist("do")]}, [("start", "after")])
    t["transitions"][0]["timing"] = timing
    return Played(release(designed(t, data_points=[point("dp_surgery", "date")])), *baseline)


def test_a_transition_with_timing_takes_its_time() -> None:
    played = timed({"delay": {"amount": 3, "unit": "day"}})
    assert played.story == ["CareFlowStarted", "track started t"]
    assert played.later(days=2) == []
    assert played.later(days=1) == ["activity created do"]


def test_a_transition_with_timing_counts_from_a_date_and_waits_for_it_to_be_known() -> None:
    timing = {"delay": {"amount": -1, "unit": "day"}, "data_point_definition_id": "dp_surgery"}
    played = timed(timing)
    assert played.orders == []
    assert played.later(days=30) == []
    assert played.activity("t-0").reason is Reason.EMPTY_VALUE
    told = played.let(BaselineUpdated((date("dp_surgery", "2026-05-01T00:00:00.000Z"),)))
    assert told == ["DataPointCollected", "activity completed t-0"]
    assert played.later(days=40) == ["activity created do"]
    passed = timed(timing, date("dp_surgery", "2026-03-02T00:00:00.000Z"))
    assert passed.story[-1] == "activity created do"


def test_a_transition_whose_date_nobody_knows_is_not_taken_when_an_operator_lets_it_go_on() -> None:
    played = timed({"delay": {"amount": 1, "unit": "day"}, "data_point_definition_id": "dp_surgery"})
    told = played.let(Resumed(played.activity("t-0").id))
    assert told == ["activity completed t-0", "track completed t", "CareFlowCompleted"]


def test_a_date_that_has_passed_when_it_becomes_known_lets_the_transition_be_taken_at_once() -> None:
    played = timed({"delay": {"amount": 1, "unit": "day"}, "data_point_definition_id": "dp_surgery"})
    told = played.let(BaselineUpdated((date("dp_surgery", "2026-02-01T00:00:00.000Z"),)))
    assert told == ["DataPointCollected", "activity completed t-0", "activity created do"]


def test_a_date_that_changes_changes_when_a_slow_transition_is_taken() -> None:
    timing = {"delay": {"amount": 1, "unit": "day"}, "data_point_definition_id": "dp_surgery"}
    played = timed(timing, date("dp_surgery", "2026-03-10T00:00:00.000Z"))
    assert played.let(BaselineUpdated((date("dp_surgery", "2026-03-20T00:00:00.000Z"),))) == ["DataPointCollected"]
    assert played.later(days=15) == []
    assert played.later(days=5) == ["activity created do"]


def test_a_track_that_is_stopped_takes_its_slow_transitions_with_it() -> None:
    played = timed({"delay": {"amount": 3, "unit": "day"}})
    assert played.let(TrackStopped("t")) == ["track stopped t", "CareFlowCompleted"]
    assert played.later(days=9) == []


def test_weekly_forms_come_week_by_week() -> None:
    """Four weeks, each one a timer and a checklist."""
    steps = {f"s{week}": [checklist(f"c{week}")] for week in range(4)}
    timers = [delay(f"w{week}", 1, "week") for week in range(1, 4)]
    arrows = [("start", "s0")]
    for week in range(1, 4):
        arrows += [(f"s{week - 1}", f"w{week}"), (f"w{week}", f"s{week}")]
    played = Played(release(designed(track("t", steps, arrows, timers))))
    for week in range(4):
        assert played.activity(f"c{week}").created_at == NOW + timedelta(weeks=week)
        played.do(f"c{week}")
        played.later(weeks=1)
    assert played.story[-1] == "CareFlowCompleted"


REMINDED = {"reminders": {"amount": 2, "delay": {"amount": 1, "unit": "day"}}}


def test_open_activities_are_reminded_of_as_often_as_the_settings_say() -> None:
    t = track("t", {"a": [checklist("do"), message("m")]}, [("start", "a")])
    played = Played(release(designed(t, settings=REMINDED)))
    assert played.later(days=1) == ["Reminded"]
    assert played.later(days=1) == ["Reminded"]
    assert played.later(days=9) == []
    counts = [(effect.count, effect.open_activities) for effect in played.effects if isinstance(effect, Reminded)]
    assert counts == [(1, 1), (2, 1)]


def test_nobody_is_reminded_of_what_is_done() -> None:
    t = track("t", {"a": [checklist("do"), checklist("rest")]}, [("start", "a")])
    played = Played(release(designed(t, settings=REMINDED)))
    played.do("do")
    assert played.later(days=1) == ["Reminded"]
    played.do("rest")
    assert played.clock.moments == {}
