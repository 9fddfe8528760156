"""What the orchestrator tells is what the frozen schemas promise to those who read it."""

from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from carewire_contracts.events import PatientCreated, decode_domain_event
from carewire_contracts.identifiers import Identifier
from carewire_contracts.wire import encode
from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.announcing import Announcement, announce, announce_patient
from carewire_orchestrator.domain.events import Stopped
from carewire_orchestrator.domain.release import Release
from carewire_testing_orchestrator.calls import mrn
from carewire_testing_orchestrator.definitions import release
from carewire_testing_orchestrator.histories import History, histories
from carewire_testing_orchestrator.playing import NOW, Played, number


@cache
def schema_of(event_type: str) -> Draft202012Validator:
    """The frozen schema of a type of event."""
    file = resources.files("carewire_contracts") / "schemas" / event_type / "v1.json"
    return Draft202012Validator(orjson.loads(file.read_bytes()))


def tell(release: Release, advanced: Advanced) -> list[Announcement]:
    return list(announce(release, advanced, tenant_id="tests", identifiers=(mrn("1"), mrn("2"))))


def payload(announcement: Announcement) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(orjson.dumps(announcement.event))
    return told


def completed() -> Played:
    played = Played(release(), number("dp_age", 64))
    played.do("act_hello")
    played.do("act_pain", number("q_pain", 8))
    played.do("act_call")
    return played


def expired() -> Played:
    played = Played(release(), number("dp_age", 64))
    played.do("act_pain", number("q_pain", 1))
    return played


def stopped(reason: str | None) -> Played:
    played = Played(release(), number("dp_age", 64))
    played.let(Stopped(reason))
    return played


LIVES: dict[str, Callable[[], Played]] = {
    "completed": completed,
    "completed with an unread message": expired,
    "stopped by somebody": lambda: stopped("Moved away"),
    "stopped without a reason": lambda: stopped(None),
    "stopped by an eligibility check": lambda: Played(release(), number("dp_age", 12)),
}


@pytest.mark.parametrize("life", LIVES)
def test_every_event_of_a_life_is_valid_under_the_schema_of_its_type(life: str) -> None:
    played = LIVES[life]()
    for announcement in tell(played.release, Advanced(played.care_flow, tuple(played.effects))):
        told = payload(announcement)
        assert [error.message for error in schema_of(told["event_type"]).iter_errors(told)] == []


def test_the_lives_above_tell_every_type_that_the_engine_tells_of() -> None:
    told = {
        payload(one)["event_type"]
        for life in LIVES.values()
        for played in [life()]
        for one in tell(played.release, Advanced(played.care_flow, tuple(played.effects)))
    }
    assert told == {
        "pathway.started",
        "pathway.stopped",
        "pathway.completed",
        "track.started",
        "track.stopped",
        "track.completed",
        "activity.created",
        "activity.updated",
        "activity.completed",
        "activity.expired",
        "form.submitted",
        "data_point.collected",
    }


def test_the_schemas_are_strict_enough_to_find_an_error() -> None:
    played = completed()
    for announcement in tell(played.release, Advanced(played.care_flow, tuple(played.effects))):
        told = payload(announcement)
        changed = {**told, "pathway": {**told["pathway"], "id": 7}}
        assert list(schema_of(told["event_type"]).iter_errors(changed)) != []


@given(histories())
@settings(deadline=None, max_examples=40)
def test_every_event_of_any_life_is_valid(history: History) -> None:
    for step in history.steps:
        for announcement in tell(history.release, step):
            told = payload(announcement)
            assert schema_of(told["event_type"]).is_valid(told), told["event_type"]


@given(histories())
@settings(deadline=None, max_examples=40)
def test_an_event_has_one_id_whenever_it_is_told(history: History) -> None:
    """A relay that repeats itself after a crash tells nothing new, and no two events share an id."""
    by_steps = [one.id for step in history.steps for one in tell(history.release, step)]
    assert by_steps == [one.id for one in tell(history.release, Advanced(history.last, history.effects))]
    assert len(set(by_steps)) == history.last.sequence


@given(histories())
@settings(deadline=None, max_examples=40)
def test_the_events_of_a_life_are_numbered_from_one_without_a_gap_in_the_order_in_which_they_are_told(
    history: History,
) -> None:
    told = [one for step in history.steps for one in tell(history.release, step)]
    assert [one.sequence for one in told] == list(range(1, history.last.sequence + 1))
    assert [payload(one)["sequence"] for one in told] == [one.sequence for one in told]


@pytest.mark.parametrize("identifiers", [(), (mrn("1"),), (mrn("1"), mrn("Ü \u2028"))], ids=["anonymous", "one", "two"])
def test_a_new_patient_is_told_in_the_bytes_of_the_contract(identifiers: tuple[Identifier, ...]) -> None:
    told = announce_patient("patient", tenant_id="tests", identifiers=identifiers, profile={}, now=NOW)
    written = orjson.dumps(told.event)
    event = decode_domain_event(written)
    assert encode(event) == written
    assert told.sequence is None, "it belongs to no care flow"
    assert isinstance(event, PatientCreated)
    assert event.patient.profile is not None
    assert [(one.system, one.value) for one in event.patient.profile.identifier] == [
        (one.system, one.value) for one in identifiers
    ]
    assert schema_of("patient.created").is_valid(event.model_dump(mode="json", exclude_unset=True))


@pytest.mark.parametrize("life", LIVES)
def test_what_a_life_tells_is_byte_for_byte_what_the_contract_writes(life: str) -> None:
    played = LIVES[life]()
    for one in tell(played.release, Advanced(played.care_flow, tuple(played.effects))):
        written = orjson.dumps(one.event)
        assert encode(decode_domain_event(written)) == written
