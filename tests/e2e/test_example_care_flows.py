"""Every example definition lived to its end on the real stack; what other teams are told of it, to the last event.

`stories/` holds what the topic of domain events tells of each life. People answer by the API, third parties start by
webhook, and where a definition waits for days, the orchestrator's clock is put forward.
"""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from carewire_local.stack import Stack
from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Receiver, Reply
from carewire_testing_e2e.care_flow_reckoning import stored
from carewire_testing_e2e.house import SETTLED_WITHIN_S, House, ok
from carewire_testing_e2e.lives import EXAMPLES, Life, publish_example, start_by_hand, start_by_webhook
from carewire_testing_e2e.told import story
from carewire_testing_e2e.travelling import TravellingPlatform, travelling_house

SCHEDULER: Final = "https://scheduler.north-clinic.example/v1/slots"
STORIES: Final = Path(__file__).parent / "stories"
FEW: Final = {f"item_{item}": 0 for item in range(1, 10)}
MUCH: Final = FEW | {f"item_{item}": 2 for item in range(1, 9)}


@pytest.fixture(scope="module")
def platform(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TravellingPlatform]:
    """A house in which time can be let pass, and whose care flows may call this machine."""
    allowed = {"CAREWIRE_ALLOW_HTTP_API_CALLS": "true", "CAREWIRE_ALLOW_PRIVATE_API_CALLS": "true"}
    with travelling_house(stack, tmp_path_factory.mktemp("house"), **allowed) as running:
        yield running


def somebody() -> str:
    """The identifier of a patient whom nobody knows yet."""
    return secrets.token_hex(6)


async def assert_told(life: Life, name: str, status: str = "completed") -> None:
    """See that a life is over, and that exactly its story is told of it."""
    assert (await life.ended())["status"] == status
    assert story(await life.events(f"pathway.{status}")) == (STORIES / f"{name}.txt").read_text().splitlines()


async def test_who_does_not_smoke_is_stopped_with_the_reason(house: House) -> None:
    await publish_example(house, "smoking-cessation")
    life = await start_by_webhook(house, "smoking-cessation", somebody(), cigarettes_a_day=0)
    await assert_told(life, "smoking-cessation-not-eligible", "stopped")


async def test_who_smokes_gets_a_plan(house: House) -> None:
    await publish_example(house, "smoking-cessation")
    life = await start_by_webhook(house, "smoking-cessation", somebody(), cigarettes_a_day=20, pregnant=False)
    await life.do("make_plan")
    await assert_told(life, "smoking-cessation")


async def test_two_branches_are_joined_by_the_last_of_them(house: House) -> None:
    await publish_example(house, "surgery-work-up")
    life = await start_by_webhook(house, "surgery-work-up", somebody(), procedure="hip replacement")
    await life.do("take_blood")
    assert not await life.activities("plan_surgery")
    await life.do("ask_airway", {"mallampati": 2})
    await life.do("plan_surgery")
    await assert_told(life, "surgery-work-up")


async def test_a_form_comes_each_week_for_four_weeks_and_whoever_forgets_it_is_reminded(
    house: House, platform: TravellingPlatform
) -> None:
    await publish_example(house, "weekly-check-in")
    life = await start_by_webhook(house, "weekly-check-in", somebody(), therapy_start="2026-03-02")
    for week in range(1, 4):
        await life.do(f"ask_week_{week}", {f"wellbeing_{week}": 7})
        await life.waiting(f"wait_{week}")
        platform.pass_time(days=6, hours=23)
        assert not await life.activities(f"ask_week_{week + 1}")
        platform.pass_time(hours=1)
    await life.waiting("ask_week_4")
    platform.pass_time(days=2)
    await life.events("reminder.created")
    await life.do("ask_week_4", {"wellbeing_4": 9})
    await assert_told(life, "weekly-check-in")


async def test_a_nurse_asks_why_when_no_blood_pressure_came_and_a_high_one_is_reviewed(
    house: House, platform: TravellingPlatform
) -> None:
    await publish_example(house, "blood-pressure-escalation")
    life = await start_by_webhook(house, "blood-pressure-escalation", somebody(), target=140)
    platform.pass_time(days=3)
    await life.do("call_silent_patient")
    await life.do("ask_reading", {"systolic": 180, "diastolic": 95})
    await life.do("review_reading")
    await assert_told(life, "blood-pressure-escalation")


async def test_an_appointment_is_booked_by_a_server_that_fails_at_first(house: House, receiver: Receiver) -> None:
    url = receiver.url("/slots", lambda _: scheduler_answers(len(receiver.at("/slots"))))
    quick = {"initial_delay_ms: 2000": "initial_delay_ms: 50"}
    await publish_example(house, "appointment-booking", {SCHEDULER: url, **quick})
    life = await start_by_webhook(house, "appointment-booking", somebody(), speciality="cardiology")
    await assert_told(life, "appointment-booking")
    calls = receiver.at("/slots")
    assert [one.body for one in calls] == [b'{"speciality": "cardiology", "clinic": "North Clinic"}'] * 3
    assert len({one.headers["idempotency-key"] for one in calls}) == 1, "the server can tell that it is the same call"


def scheduler_answers(nth: int) -> Reply:
    booked = b'{"slot": {"id": "slot-7", "starts_at": "2026-03-09T09:00:00Z"}}'
    return Reply(503) if nth < 3 else Reply(body=booked)


async def test_an_appointment_is_booked_by_hand_when_the_server_failed_for_a_day(
    house: House, receiver: Receiver, platform: TravellingPlatform
) -> None:
    url = receiver.url("/gone", lambda _: Reply(503))
    slow = {"initial_delay_ms: 2000": "initial_delay_ms: 600000", "max_attempts: 10": "max_attempts: 3"}
    await publish_example(house, "appointment-booking", {SCHEDULER: url, **slow})
    life = await start_by_webhook(house, "appointment-booking", somebody(), speciality="cardiology")

    async def put_off(calls: int) -> bool:
        # Not before: a call that is under way when time passes has outlived its lease, and is made once more.
        soon = platform.now + timedelta(minutes=5)
        under_way = await stored(house, "SELECT activity_id FROM api_call WHERE due_at < $1", soon)
        return len(receiver.at("/gone")) == calls and not under_way

    await eventually(lambda: put_off(1), SETTLED_WITHIN_S, pause=0.1)
    platform.pass_time(days=1)
    await life.do("book_by_hand")
    await eventually(lambda: put_off(2), SETTLED_WITHIN_S, pause=0.1)
    platform.pass_time(hours=1)
    await assert_told(life, "appointment-booking-by-hand")
    assert len(receiver.at("/gone")) == 3


@pytest.mark.parametrize(
    ("answers", "then", "name"),
    [
        (FEW, None, "phq-9-few"),
        (MUCH, "offer_therapy", "phq-9-much"),
        (FEW | {"item_9": 1}, "call_today", "phq-9-in-danger"),
    ],
    ids=["few symptoms", "many symptoms", "in danger"],
)
async def test_the_phq_9_branches(house: House, answers: dict[str, int], then: str | None, name: str) -> None:
    await publish_example(house, "phq-9")
    life = await start_by_hand(house, "phq-9")
    await life.do("ask_phq9", answers)
    if then is not None:
        await life.do(then)
    await assert_told(life, name)


async def test_messages_come_some_days_before_an_examination_and_one_after_it(
    house: House, platform: TravellingPlatform
) -> None:
    await publish_example(house, "colonoscopy-preparation")
    examination = (platform.now + timedelta(days=10)).date().isoformat()
    given: dict[str, Any] = {"examination": examination, "anticoagulated": True}
    life = await start_by_webhook(house, "colonoscopy-preparation", somebody(), **given)
    await life.do("talk_about_anticoagulant")
    for wait, days in (("week_before", 4), ("day_before", 6)):
        await life.waiting(wait)
        platform.pass_time(days=days)
    await eventually(lambda: life.activities("laxative_message"), SETTLED_WITHIN_S)
    platform.pass_time(days=2)
    await assert_told(life, "colonoscopy-preparation")


async def test_whoever_is_too_heavy_is_advised_and_a_note_tells_of_it(house: House) -> None:
    await publish_example(house, "weight-counselling")
    life = await start_by_hand(house, "weight-counselling")
    await life.do("ask_measures", {"weight": 90, "height": 175, "diets": ["low_carb"]})
    await life.do("give_advice")
    await assert_told(life, "weight-counselling")


async def test_pain_after_hip_surgery_makes_somebody_call(house: House) -> None:
    await publish_example(house, "hip-surgery-follow-up")
    given: dict[str, Any] = {"surgery_date": "2026-03-02", "hip_side": "left", "age": 71}
    life = await start_by_webhook(house, "hip-surgery-follow-up", somebody(), **given)
    await life.do("ask_pain", {"pain_today": 8, "wound_dry": True})
    await life.do("call_patient")
    await assert_told(life, "hip-surgery-follow-up")


async def test_a_low_mood_makes_a_nurse_call(house: House) -> None:
    await publish_example(house, "mood-screening")
    given: dict[str, Any] = {"low_interest": 2, "low_mood": 1, "consent": True}
    life = await start_by_webhook(house, "mood-screening", somebody(), **given)
    await life.do("report_call", {"outcome": "appointment"})
    await assert_told(life, "mood-screening")


async def test_two_care_flows_of_one_patient_live_side_by_side(house: House) -> None:
    patient = somebody()
    for name in ("diabetes-education", "foot-care"):
        await publish_example(house, name)
    education = await start_by_webhook(house, "diabetes-education", patient, diagnosed="2026-03-01")
    feet = await start_by_webhook(house, "foot-care", patient, diagnosed="2026-03-01")
    assert education.patient_id == feet.patient_id
    await feet.do("ask_first", {"understood": True})
    await education.do("ask_first", {"understood": False})
    await assert_told(education, "diabetes-education")
    await ok(house.orchestrator.post(f"/v1/care-flows/{feet.care_flow_id}/tracks/visit/add", json={}))
    for action_id in ("treat", "see_patient"):
        await feet.do(action_id)
    await assert_told(feet, "foot-care")
    assert len(await house.care_flows_of(patient_id=feet.patient_id)) == 2


def test_there_is_a_story_of_every_example() -> None:
    stories = {file.stem for file in STORIES.glob("*.txt")}
    untold = [file.stem for file in EXAMPLES.iterdir() if not any(one.startswith(file.stem) for one in stories)]
    assert untold == []
