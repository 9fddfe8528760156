"""Sessions: whose they are, what is left to do in them, and what a change of the care flow makes of them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.events import (
    ActivityReassigned,
    CareFlowEvent,
    ChecklistCompleted,
    MessageRead,
    Stopped,
)
from carewire_orchestrator.domain.session import Session, SessionStatus, Whose, follow, pending, whose_session
from carewire_testing_orchestrator.definitions import checklist, designed, message, release, track
from carewire_testing_orchestrator.playing import NOW, PATIENT_ID, Played

IDLE = timedelta(hours=1)
PATIENT = Whose("patient", PATIENT_ID)
NURSE = Whose("stakeholder", "nurse")
STAKEHOLDERS = [
    {"id": "nurse", "label": "Nurse", "clinical_app_role": "Caregiver"},
    {"id": "self", "label": "Patient", "clinical_app_role": "Patient"},
]


def of(action: dict[str, Any], *stakeholders: str) -> dict[str, Any]:
    return {**action, "stakeholder_definition_ids": list(stakeholders)}


RELEASE = release(
    designed(
        track(
            "t",
            {
                "a": [
                    of(checklist("weigh"), "nurse"),
                    checklist("rest"),
                    of(message("hello"), "self"),
                    of(message("note"), "nurse"),
                ]
            },
            [("start", "a")],
        ),
    )
    | {"stakeholders": STAKEHOLDERS}
)


def session(whose: Whose) -> Session:
    return Session("s", "c", whose, SessionStatus.ACTIVE, NOW, NOW + IDLE)


def after(played: Played, event: CareFlowEvent, *sessions: Session) -> list[Session]:
    """What an event makes of sessions, ten minutes later."""
    advanced = played.attempt(event)
    assert isinstance(advanced, Advanced)
    return follow(RELEASE, advanced, sessions, NOW + timedelta(minutes=10), IDLE)


@pytest.mark.parametrize(
    ("stakeholder_id", "whose"),
    [(None, PATIENT), ("self", PATIENT), ("nurse", NURSE), ("nobody", None)],
)
def test_a_session_is_the_patients_or_that_of_a_stakeholder_of_the_definition(
    stakeholder_id: str | None, whose: Whose | None
) -> None:
    assert whose_session(RELEASE, Played(RELEASE).care_flow, stakeholder_id) == whose


@pytest.mark.parametrize(("whose", "actions"), [(PATIENT, {"rest", "hello"}), (NURSE, {"weigh", "note"})])
def test_what_is_left_is_what_is_open_and_theirs(whose: Whose, actions: set[str]) -> None:
    assert {one.action_id for one in pending(RELEASE, Played(RELEASE).care_flow, whose)} == actions


def test_what_was_given_to_others_is_theirs() -> None:
    played = Played(RELEASE)
    played.let(ActivityReassigned(played.activity("weigh").id, ()))
    assert {one.action_id for one in pending(RELEASE, played.care_flow, PATIENT)} == {"weigh", "rest", "hello"}
    assert {one.action_id for one in pending(RELEASE, played.care_flow, NURSE)} == {"note"}


def test_a_patient_whose_records_were_merged_goes_on() -> None:
    moved = replace(Played(RELEASE).care_flow, patient_id="another")
    assert {one.action_id for one in pending(RELEASE, moved, PATIENT)} == {"rest", "hello"}


def test_each_activity_that_they_complete_gives_their_session_time_anew() -> None:
    played = Played(RELEASE)
    done = MessageRead(played.activity("note").id)
    (changed,) = after(played, done, session(PATIENT), session(NURSE))
    assert changed == replace(session(NURSE), expires_at=NOW + timedelta(minutes=70))


def test_a_session_is_completed_when_nothing_is_left() -> None:
    played = Played(RELEASE)
    played.do("note")
    (changed,) = after(played, ChecklistCompleted(played.activity("weigh").id), session(PATIENT), session(NURSE))
    assert (changed.whose, changed.status) == (NURSE, SessionStatus.COMPLETED)
    assert changed.ended_at == NOW + timedelta(minutes=10)
    assert changed.expires_at == NOW + IDLE, "it says until when it could have been used"


def test_the_end_of_the_care_flow_completes_every_session() -> None:
    ended = after(Played(RELEASE), Stopped(None), session(PATIENT), session(NURSE))
    assert {one.status for one in ended} == {SessionStatus.COMPLETED}


def test_giving_an_activity_away_gives_no_time() -> None:
    played = Played(RELEASE)
    event = ActivityReassigned(played.activity("note").id, ("self",))
    assert after(played, event, session(PATIENT), session(NURSE)) == []


def test_a_session_is_usable_until_the_moment_in_which_it_expires() -> None:
    one = session(PATIENT)
    assert one.is_usable(NOW + IDLE - timedelta(milliseconds=1))
    assert not one.is_usable(NOW + IDLE)
    assert not one.ended(SessionStatus.COMPLETED, NOW).is_usable(NOW)


def test_nothing_is_left_in_a_care_flow_that_has_not_started() -> None:
    assert pending(RELEASE, CareFlow("c", "r", PATIENT_ID), PATIENT) == []
