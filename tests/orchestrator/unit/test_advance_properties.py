"""What holds for every care flow, whatever was designed and whoever does things in whatever order."""

from itertools import pairwise

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from carewire_contracts.definition import CareFlowDefinition
from carewire_contracts.events import decode_domain_event
from carewire_contracts.identifiers import Identifier
from carewire_contracts.values import ValueType
from carewire_contracts.wire import encode
from carewire_orchestrator.domain.advance import Advanced, Refusal, advance
from carewire_orchestrator.domain.announcing import announce
from carewire_orchestrator.domain.care_flow import CareFlow, StepStatus, TrackStatus
from carewire_orchestrator.domain.care_flow_document import read_care_flow, write_care_flow
from carewire_orchestrator.domain.effects import ActivityMoved, CareFlowCompleted, CareFlowStopped, Effect
from carewire_orchestrator.domain.events import CareFlowEvent, Started, Stopped
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.validate import validate
from carewire_testing_orchestrator.definitions import definitions
from carewire_testing_orchestrator.playing import CARE_FLOW_ID, NOW, PATIENT_ID, doing


def next_event(data: st.DataObject, care_flow: CareFlow) -> CareFlowEvent | None:
    """Something that somebody might do next; None to leave it at that."""
    open_now = [activity for activity in care_flow.activities.values() if activity.is_open]
    choice = data.draw(st.integers(-2, len(open_now) - 1))
    if choice == -2:
        return data.draw(st.sampled_from([Stopped("why"), None]))
    if choice == -1:
        return None if not open_now else doing(open_now[0])
    answer = data.draw(st.sampled_from([(), (GivenValue("answer", ValueType.BOOLEAN, value=True),)]))
    return doing(open_now[choice], *answer)


def play(data: st.DataObject, release: Release) -> tuple[list[CareFlow], list[Effect], list[CareFlowEvent]]:
    """Every state, every effect and every event of a random care flow."""
    states = [CareFlow(id=CARE_FLOW_ID, release_id=release.release_id, patient_id=PATIENT_ID)]
    effects: list[Effect] = []
    events: list[CareFlowEvent] = []
    event: CareFlowEvent | None = Started(())
    while event is not None:
        advanced = advance(release, states[-1], event, NOW)
        assert isinstance(advanced, Advanced)
        states.append(advanced.care_flow)
        effects.extend(advanced.effects)
        events.append(event)
        event = None if advanced.care_flow.status.is_final else next_event(data, advanced.care_flow)
    return states, effects, events


@given(definitions(), st.data())
@settings(deadline=None)
def test_a_care_flow_keeps_its_word(definition: CareFlowDefinition, data: st.DataObject) -> None:
    assert [problem for problem in validate(definition) if problem.severity == "ERROR"] == []
    release = Release.of("release", 1, definition)
    states, effects, events = play(data, release)
    last = states[-1]

    ends: dict[str, list[str]] = {}
    for effect in effects:
        if isinstance(effect, ActivityMoved):
            moves = ends.setdefault(effect.activity.id, [])
            assert (effect.move == "created") is (not moves), "an activity is created once, before all else"
            assert len(moves) <= 1, "an activity ends once"
            moves.append(effect.move)
    assert ends.keys() == last.activities.keys()

    open_now = [activity for activity in last.activities.values() if activity.is_open]
    if last.status.is_final:
        assert open_now == [], "nothing is open in a care flow that has ended"
        assert isinstance(effects[-1], CareFlowCompleted | CareFlowStopped), "nothing follows the end"
        assert StepStatus.ACTIVE not in last.steps.values()
        assert TrackStatus.ACTIVE not in last.tracks.values()
        for activity in last.activities.values():
            assert advance(release, last, doing(activity), NOW) is Refusal.CARE_FLOW_ENDED
    else:
        assert any(activity.blocks for activity in open_now), "a care flow that waits waits for somebody"

    assert last.sequence == len(effects), "every domain event has a number"
    for before, after in pairwise(states):
        for activity in before.activities.values():
            assert activity.is_open or after.activities[activity.id] == activity, "an end is final"

    replayed = states[0]
    for event in events:
        advanced = advance(release, replayed, event, NOW)
        assert isinstance(advanced, Advanced)
        replayed = advanced.care_flow
    assert replayed == last, "the same events lead to the same state"


@given(definitions(), st.data())
@settings(deadline=None, max_examples=50)
def test_a_stored_care_flow_goes_on_as_if_it_had_never_been_stored(
    definition: CareFlowDefinition, data: st.DataObject
) -> None:
    release = Release.of("release", 1, definition)
    states, _, events = play(data, release)
    for before, event in zip(states, events, strict=False):
        stored = read_care_flow(write_care_flow(before))
        assert stored == before
        assert advance(release, stored, event, NOW) == advance(release, before, event, NOW)


@given(definitions(), st.data())
@settings(deadline=None, max_examples=50)
def test_every_effect_is_told_in_the_words_of_the_contracts(
    definition: CareFlowDefinition, data: st.DataObject
) -> None:
    release = Release.of("release", 1, definition)
    states, effects, _ = play(data, release)
    told = list(
        announce(
            release,
            Advanced(states[-1], tuple(effects)),
            tenant_id="tenant",
            identifiers=(Identifier("https://clinic.example/mrn", "1"),),
        )
    )
    assert len({announcement.id for announcement in told}) == len(effects)
    for announcement in told:
        # Byte for byte, order of fields included: signatures cover these bytes.
        written = orjson.dumps(announcement.event)
        assert encode(decode_domain_event(written)) == written
