"""A timeline names what happened in the words of the domain events that are really told."""

from datetime import UTC, datetime
from typing import Any, get_args

from hypothesis import HealthCheck, given, settings

from carewire_orchestrator.domain import effects, events
from carewire_orchestrator.domain.announcing import announce
from carewire_orchestrator.domain.timeline import WHAT, Told, told
from carewire_testing_orchestrator.definitions import release
from carewire_testing_orchestrator.lives import Life, lives
from carewire_testing_orchestrator.playing import Played, number


def subject(event: dict[str, Any]) -> str:
    """What an event is about, as its document says."""
    kind = event["event_type"].partition(".")[0]
    if kind == "pathway":
        return ""
    if kind == "form":
        return str(event["activity_id"])
    if kind == "data_point":
        return str(event["data_point"]["data_point_definition_id"])
    return str(event[kind]["id"])


@given(lives())
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_every_event_is_named_by_its_type_and_by_what_it_is_about(life: Life) -> None:
    for moment in life.moments:
        announced = [one.event for one in announce(life.release, moment.advanced, tenant_id="t", identifiers=())]
        named = [told(effect) for effect in moment.advanced.effects]
        assert [one.event_type for one in named] == [event["event_type"] for event in announced]
        for one, event in zip(named, announced, strict=True):
            # A reminder is about the activity that is to be done, which its event does not name.
            if one.event_type != "reminder.created":
                assert one.subject_id == subject(event)


def test_everything_that_can_happen_has_words_of_its_own() -> None:
    assert set(WHAT) == set(get_args(events.CareFlowEvent))
    assert len(set(WHAT.values())) == len(WHAT)


def test_every_effect_has_a_name() -> None:
    played = Played(release(), number("dp_age", 64))
    seen = {type(effect) for effect in played.effects}
    assert seen <= set(get_args(effects.Effect))
    assert all(told(effect).event_type for effect in played.effects)


def test_a_note_and_a_reminder_are_about_their_activity() -> None:
    played = Played(release(), number("dp_age", 64))
    activity = next(effect.activity for effect in played.effects if isinstance(effect, effects.ActivityMoved))
    note = effects.NoteWritten(activity, (), (), datetime(2026, 3, 2, tzinfo=UTC))
    assert told(note) == Told("clinical_note.created", activity.id)
    assert told(effects.Reminded(activity, "p", "patient", 1, 1)) == Told("reminder.created", activity.id)
