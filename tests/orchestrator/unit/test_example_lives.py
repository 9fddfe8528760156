"""How the definitions of the project are lived, through `advance` alone: each ends as its first lines promise."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from carewire_contracts.definition import ApiCallAction, CareFlowDefinition
from carewire_contracts.values import ValueType
from carewire_orchestrator.adapters.api.definition_files import read_file
from carewire_orchestrator.domain.api_answers import read_answer
from carewire_orchestrator.domain.care_flow import ActivityStatus, CareFlowStatus
from carewire_orchestrator.domain.events import ApiCallAnswered, TrackAdded
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.orders import ApiCallRequested
from carewire_orchestrator.domain.release import Release
from carewire_testing_orchestrator.playing import Played, number

FOLDER: Final = Path(__file__).parents[3] / "examples" / "definitions"


def started(name: str, *baseline: GivenValue, **more: Any) -> Played:
    """A care flow of an example, started."""
    read = read_file((FOLDER / f"{name}.yaml").read_bytes(), "yaml")
    return Played(Release.of("release", 1, CareFlowDefinition.model_validate(read)), *baseline, **more)


def boolean(definition_id: str, *, value: bool) -> GivenValue:
    return GivenValue(definition_id, ValueType.BOOLEAN, value)


def text(definition_id: str, value: str) -> GivenValue:
    return GivenValue(definition_id, ValueType.STRING, value)


def date(definition_id: str, value: str) -> GivenValue:
    return GivenValue(definition_id, ValueType.DATE, value)


def known(played: Played, definition_id: str) -> Any:
    return played.care_flow.data_points[definition_id].given.value


def is_open(played: Played, action_id: str) -> bool:
    found = [one for one in played.care_flow.activities.values() if one.action_id == action_id]
    return bool(found) and found[-1].is_open


def is_completed(played: Played) -> bool:
    return played.care_flow.status is CareFlowStatus.COMPLETED


def test_who_is_not_eligible_is_stopped_with_the_reason() -> None:
    for baseline, reason in (
        ([number("cigarettes_a_day", 0)], "The patient does not smoke"),
        (
            [number("cigarettes_a_day", 5), boolean("pregnant", value=True)],
            "The midwives have a programme of their own",
        ),
    ):
        played = started("smoking-cessation", *baseline)
        assert (played.care_flow.status, played.care_flow.stop_reason) == (CareFlowStatus.STOPPED, reason)


def test_who_is_eligible_comes_to_the_programme_though_it_is_not_said_whether_they_are_pregnant() -> None:
    played = started("smoking-cessation", number("cigarettes_a_day", 5))
    played.do("make_plan")
    assert is_completed(played)


@pytest.mark.parametrize("order", [("ask_airway", "take_blood"), ("take_blood", "ask_airway")])
def test_the_planning_waits_for_both_branches_whichever_is_last(order: tuple[str, str]) -> None:
    played = started("surgery-work-up", text("procedure", "hip"))
    answers = {"ask_airway": [number("mallampati", 2)], "take_blood": []}
    for action_id in order:
        assert not is_open(played, "plan_surgery")
        played.do(action_id, *answers[action_id])
    assert is_open(played, "plan_surgery")
    played.do("plan_surgery")
    assert is_completed(played)


def test_a_form_comes_each_week_for_four_weeks() -> None:
    played = started("weekly-check-in", date("therapy_start", "2026-03-02T00:00:00.000Z"))
    for week in range(1, 5):
        assert is_open(played, f"ask_week_{week}")
        played.do(f"ask_week_{week}", number(f"wellbeing_{week}", 7))
        played.later(days=6, hours=23)
        assert not is_open(played, f"ask_week_{week + 1}"), "not before the week is over"
        played.later(hours=1)
    assert is_completed(played)
    assert played.story.count("FormAnswered") == 4


def test_a_form_that_lies_there_is_reminded_of_twice() -> None:
    played = started("weekly-check-in", date("therapy_start", "2026-03-02T00:00:00.000Z"))
    assert played.later(days=30).count("Reminded") == 2


def test_when_no_blood_pressure_comes_somebody_asks_why() -> None:
    played = started("blood-pressure-escalation", number("target", 140))
    played.later(days=2, hours=23)
    assert not is_open(played, "call_silent_patient")
    played.later(hours=1)
    assert is_open(played, "call_silent_patient")


def test_a_blood_pressure_in_time_is_not_asked_for_and_a_high_one_is_looked_at() -> None:
    for systolic, is_reviewed in ((120, False), (180, True)):
        played = started("blood-pressure-escalation", number("target", 140))
        played.do("ask_reading", number("systolic", systolic), number("diastolic", 80))
        assert is_open(played, "review_reading") is is_reviewed
        if is_reviewed:
            played.do("review_reading")
        assert is_completed(played)
        assert "track started escalation" not in played.story


def booking() -> Played:
    played = started("appointment-booking", text("speciality", 'cardio"logy'))
    (asked,) = [order for order in played.orders if isinstance(order, ApiCallRequested)]
    assert asked.body == (r'{"speciality": "cardio\"logy", "clinic": "North Clinic"}',)
    return played


def test_a_booked_slot_is_confirmed() -> None:
    played = booking()
    answer = {"slot": {"id": "s-1", "starts_at": "2026-03-09T09:00:00Z"}}
    played.let(answered(played, answer))
    assert known(played, "slot_id") == "s-1"
    assert "activity created confirm" in played.story
    assert is_completed(played)


def answered(played: Played, answer: Any) -> ApiCallAnswered:
    action = played.release.actions["book_slot"]
    assert isinstance(action, ApiCallAction)
    values = read_answer(played.release, action, answer)
    assert isinstance(values, tuple), values
    return ApiCallAnswered(played.activity("book_slot").id, values)


def test_an_appointment_is_booked_by_hand_when_no_answer_came_for_a_day() -> None:
    played = booking()
    played.later(days=1)
    assert is_open(played, "book_by_hand")


FEW: Final = [number(f"item_{item}", 0) for item in range(1, 10)]
MUCH: Final = [number(f"item_{item}", 2) for item in range(1, 9)] + [number("item_9", 0)]
IN_DANGER: Final = [*FEW[:8], number("item_9", 1)]


@pytest.mark.parametrize(
    ("answers", "score", "severity", "then"),
    [
        (FEW, 0, "minimal", "reassure"),
        (MUCH, 16, "moderately severe", "offer_therapy"),
        (IN_DANGER, 1, "minimal", "call_today"),
    ],
    ids=["few", "much", "in danger"],
)
def test_the_phq_9_branches_on_its_score_and_on_thoughts_of_self_harm(
    answers: list[GivenValue], score: int, severity: str, then: str
) -> None:
    played = started("phq-9")
    played.do("ask_phq9", *answers)
    assert (known(played, "score"), known(played, "severity")) == (score, severity)
    branches = [one for one in ("reassure", "offer_therapy", "call_today") if f"activity created {one}" in played.story]
    assert branches == [then]


def test_messages_come_some_days_before_the_examination_at_the_patients_hour() -> None:
    examination = date("examination", "2026-03-20T00:00:00.000Z")
    anticoagulated = boolean("anticoagulated", value=True)
    played = started("colonoscopy-preparation", examination, anticoagulated, time_zone="Europe/Brussels")
    assert is_open(played, "talk_about_anticoagulant")
    played.do("talk_about_anticoagulant")
    seen = {}
    while not is_completed(played) and played.clock.moments:
        moment = min(played.clock.moments.values())
        for line in played.later(seconds=(moment - played.now).total_seconds()):
            seen[line] = moment
    assert seen["activity created diet_message"] == datetime(2026, 3, 13, 8, tzinfo=UTC)
    assert seen["activity created laxative_message"] == datetime(2026, 3, 19, 15, tzinfo=UTC)
    assert "activity created afterwards" in seen


@pytest.mark.parametrize(
    ("weight", "index", "name", "advised"), [(70, 22.9, "normal", False), (90, 29.4, "overweight", True)]
)
def test_whoever_is_too_heavy_is_advised_and_a_note_tells_of_it(
    weight: int, index: float, name: str, advised: bool
) -> None:
    played = started("weight-counselling")
    played.do("ask_measures", number("weight", weight), number("height", 175))
    assert (known(played, "bmi"), known(played, "bmi_class")) == (index, name)
    assert is_open(played, "give_advice") is advised
    if advised:
        played.do("give_advice")
    assert "NoteWritten" in played.story
    assert is_completed(played)


def test_two_care_flows_of_one_patient_do_not_meet_though_their_nodes_have_the_same_ids() -> None:
    diagnosed = date("diagnosed", "2026-03-01T00:00:00.000Z")
    profile = {"first_name": "Iris"}
    education, feet = started("diabetes-education", diagnosed, profile=profile), started("foot-care", diagnosed)
    education.do("ask_first", boolean("understood", value=False))
    assert is_completed(education)
    letter = education.activity("explain").letter
    assert letter is not None
    assert letter.body == "Dear Iris, your practice explains it to you at your next visit."
    feet.do("ask_first", boolean("understood", value=True))
    assert is_open(feet, "treat")
    feet.let(TrackAdded("visit"))
    for action_id in ("treat", "see_patient"):
        feet.do(action_id)
    assert is_completed(feet)
    assert not any(one.status is ActivityStatus.ACTIVE for one in feet.care_flow.activities.values())
