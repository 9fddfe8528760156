"""What holds for every care flow of every definition, whatever happens to it, at any time and in any order."""

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import get_args

import orjson
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from carewire_contracts.events import decode_domain_event
from carewire_contracts.identifiers import Identifier
from carewire_contracts.values import ValueType
from carewire_contracts.wire import encode
from carewire_orchestrator.domain.advance import Advanced, Refusal, advance
from carewire_orchestrator.domain.announcing import announce
from carewire_orchestrator.domain.care_flow import (
    Activity,
    ActivityKind,
    ActivityStatus,
    CareFlow,
    CareFlowStatus,
    Reason,
    StepStatus,
    TimerPurpose,
    TrackStatus,
)
from carewire_orchestrator.domain.care_flow_document import read_care_flow, write_care_flow
from carewire_orchestrator.domain.effects import (
    ActivityMoved,
    CareFlowCompleted,
    CareFlowDeleted,
    CareFlowStarted,
    CareFlowStopped,
    DataPointCollected,
    Effect,
    TrackMoved,
)
from carewire_orchestrator.domain.events import (
    ActivityExpired,
    ActivityReassigned,
    ActivityRetried,
    ApiCallAnswered,
    ApiCallFailed,
    BaselineUpdated,
    CareFlowEvent,
    ChecklistCompleted,
    Deleted,
    FormSubmitted,
    MessageRead,
    Paused,
    Resumed,
    Started,
    Stopped,
    TimerDue,
    TimerSkipped,
    TrackAdded,
    TrackScheduled,
    TrackStopped,
    TrackUnscheduled,
    Unpaused,
)
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.orders import ApiCallRequested, Order, TimerSet
from carewire_orchestrator.domain.session import Session, SessionStatus, Whose, follow, pending
from carewire_orchestrator.domain.validate import validate
from carewire_testing_orchestrator.lives import Life, can_go_on, going_on, lives
from carewire_testing_orchestrator.playing import NOW, PATIENT_ID
from carewire_testing_orchestrator.whole_definitions import whole_definitions

MANY = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
SOME = settings(MANY, max_examples=20)
UNSHRUNK = settings(MANY, max_examples=2_000, phases=[Phase.generate], database=None)


def reasons_to_wait(care_flow: CareFlow) -> list[Activity | str]:
    """What a care flow waits for: somebody, a moment, an answer, or a value of which an activity tells."""
    waiting = [one for one in care_flow.activities.values() if one.is_open and one.kind != "message"]
    return [*waiting, *(timer.id for timer in care_flow.timers.values() if timer.due_at is not None)]


def a_care_flow_is_never_stuck_without_a_reason(life: Life) -> None:
    for moment in life.moments:
        care_flow = moment.advanced.care_flow
        if not care_flow.status.is_final:
            assert reasons_to_wait(care_flow)
        for track_id, status in care_flow.tracks.items():
            if status is TrackStatus.ACTIVE:
                assert reasons_of_track(life, care_flow, track_id), "and neither is a track"


def reasons_of_track(life: Life, care_flow: CareFlow, track_id: str) -> list[object]:
    track = life.release.tracks[track_id]
    blocked = {one.step_id for one in care_flow.activities.values() if one.blocks}
    active = [step.id for step in track.steps if care_flow.steps.get(step.id) is StepStatus.ACTIVE]
    assert set(active) <= blocked, "a step is active only while something blocks it"
    timers = [one for one in care_flow.timers.values() if one.track_id == track_id]
    rules = [one for one in care_flow.activities.values() if one.is_open and one.kind == "evaluated_rule"]
    return [*active, *timers, *(one for one in rules if one.track_id == track_id)]


def every_activity_that_was_created_ends_once_and_stays_as_it_ended(life: Life) -> None:
    known: dict[str, Activity] = {}
    for effect in life.effects:
        if isinstance(effect, ActivityMoved):
            before = known.get(effect.activity.id)
            assert (effect.move == "created") is (before is None)
            assert before is None or before.is_open
            known[effect.activity.id] = effect.activity
    assert known == life.care_flow.activities, "whoever hears of them knows them"
    if life.care_flow.status.is_final:
        assert not any(one.is_open for one in known.values())


def an_end_is_the_last_that_is_told_and_only_a_deletion_follows_it(life: Life) -> None:
    kinds = [type(effect) for effect in life.effects]
    counts = Counter(kinds)
    assert kinds[0] is CareFlowStarted
    assert counts[CareFlowStarted] == 1
    assert counts[CareFlowStopped] + counts[CareFlowCompleted] == (1 if life.care_flow.status.is_final else 0)
    if life.care_flow.status is CareFlowStatus.DELETED:
        assert kinds.pop() is CareFlowDeleted
    ends = [place for place, kind in enumerate(kinds) if kind in (CareFlowStopped, CareFlowCompleted)]
    assert ends in ([], [len(kinds) - 1])
    if life.care_flow.status.is_final:
        assert life.care_flow.timers == {}
        assert life.clock.moments == {}
        assert TrackStatus.ACTIVE not in life.care_flow.tracks.values()


def whoever_takes_the_orders_knows_every_moment_that_is_waited_for(life: Life) -> None:
    moments: dict[str, datetime] = {}
    heard: set[str] = set()
    for moment in life.moments:
        if isinstance(moment.event, TimerDue):
            heard.add(moment.event.timer_id)
            moments.pop(moment.event.timer_id)
        for order in moment.advanced.orders:
            if isinstance(order, TimerSet):
                moments[order.timer_id] = order.due_at
            elif not isinstance(order, ApiCallRequested):
                moments.pop(order.timer_id, None)
        pending = {timer.id: timer.due_at for timer in moment.advanced.care_flow.timers.values() if timer.due_at}
        # A timer that was heard while the care flow was paused waits for it to go on.
        assert {timer: due for timer, due in pending.items() if timer not in heard} == moments


def the_sequence_counts_what_is_told_and_ids_are_never_used_twice(life: Life) -> None:
    assert life.care_flow.sequence == len(life.effects)
    collected = [effect.value.id for effect in life.effects if isinstance(effect, DataPointCollected)]
    calls = [
        order.activity_id
        for one in life.moments
        for order in one.advanced.orders
        if isinstance(order, ApiCallRequested)
    ]
    ids = [*life.care_flow.activities, *collected]
    assert len(set(ids)) == len(ids)
    assert len(set(calls)) == len(calls), "an idempotency key belongs to one call"


def tracks_start_and_end_in_turn_and_what_has_ended_starts_again_only_by_hand(life: Life) -> None:
    for moment in life.moments:
        by_hand = isinstance(moment.event, TrackAdded | TrackScheduled | TimerDue | Unpaused)
        tracks = dict(moment.before.tracks)
        for effect in moment.advanced.effects:
            if isinstance(effect, TrackMoved):
                status = tracks.get(effect.track_id)
                if effect.move == "started":
                    assert status is None or (by_hand and status is not TrackStatus.ACTIVE)
                else:
                    assert status is TrackStatus.ACTIVE
                tracks[effect.track_id] = TrackStatus.ACTIVE if effect.move == "started" else TrackStatus(effect.move)
        assert tracks == moment.advanced.care_flow.tracks


@given(lives())
@MANY
def test_whatever_happens_a_care_flow_keeps_its_word(life: Life) -> None:
    """Drawing a life takes longer than looking at it, so that all of this looks at the same ones."""
    a_care_flow_is_never_stuck_without_a_reason(life)
    every_activity_that_was_created_ends_once_and_stays_as_it_ended(life)
    an_end_is_the_last_that_is_told_and_only_a_deletion_follows_it(life)
    whoever_takes_the_orders_knows_every_moment_that_is_waited_for(life)
    the_sequence_counts_what_is_told_and_ids_are_never_used_twice(life)
    tracks_start_and_end_in_turn_and_what_has_ended_starts_again_only_by_hand(life)


@given(lives())
@SOME
def test_the_same_events_at_the_same_moments_lead_to_the_same_care_flow_though_it_is_stored_in_between(
    life: Life,
) -> None:
    care_flow = life.moments[0].before
    for moment in life.moments:
        assert care_flow == moment.before
        again = advance(
            life.release, read_care_flow(write_care_flow(care_flow)), moment.event, moment.at, moment.profile
        )
        assert again == moment.advanced, "effects and orders as well"
        care_flow = read_care_flow(write_care_flow(moment.advanced.care_flow))
        for kind in ("tracks", "steps", "activities", "data_points", "timers"):
            assert list(getattr(care_flow, kind)) == list(getattr(moment.advanced.care_flow, kind)), "in their order"


@given(lives())
@SOME
def test_everything_is_told_in_the_words_of_the_contracts(life: Life) -> None:
    told = list(
        announce(
            life.release,
            Advanced(life.care_flow, life.effects),
            tenant_id="tenant",
            identifiers=(Identifier("https://clinic.example/mrn", "1"),),
        )
    )
    assert len({announcement.id for announcement in told}) == len(life.effects)
    assert [announcement.sequence for announcement in told] == list(range(1, len(life.effects) + 1))
    for announcement in told:
        # Byte for byte, order of fields included: signatures cover these bytes.
        written = orjson.dumps(announcement.event)
        assert encode(decode_domain_event(written)) == written


@given(lives())
@SOME
def test_when_everybody_does_what_is_asked_and_time_passes_every_care_flow_ends(life: Life) -> None:
    if life.care_flow.status is CareFlowStatus.PAUSED:
        life.let(Unpaused())
    for _ in range(200):
        if life.care_flow.status.is_final:
            return
        asked = [one for one in life.care_flow.activities.values() if one.is_open and one.kind != "message"]
        hurried = [one for one in asked if one.kind != "timer" or one.id not in life.clock.moments]
        if not hurried:
            assert life.let_next_be_due()
        elif can_go_on(life, hurried[0]):
            life.let(going_on(hurried[0]))
        else:  # It waits for a date that may never come, and must not be skipped.
            life.let(TrackStopped(hurried[0].track_id))
    raise AssertionError("it moves and moves, and does not end")


WORDS = ["", "nobody", "t0", "t1", "t0s0", "sh_nurse", "p_number", "q_yes"]


@given(lives(), st.data())
@SOME
def test_anything_may_be_asked_of_it_at_any_time_and_it_answers(life: Life, data: st.DataObject) -> None:
    words = [*WORDS, *life.care_flow.activities, *life.care_flow.timers, *life.care_flow.tracks]
    word, yes = data.draw(st.sampled_from(words)), data.draw(st.booleans())
    value = GivenValue("q_number", ValueType.NUMBER, 1)
    events: list[CareFlowEvent] = [
        Started(()),
        FormSubmitted(word, (value,)),
        ChecklistCompleted(word),
        MessageRead(word),
        TimerSkipped(word),
        Resumed(word),
        ApiCallAnswered(word, (value,)),
        ApiCallFailed(word, Reason.UNSUITABLE_ANSWER),
        ActivityExpired(word),
        ActivityReassigned(word, (word,)),
        ActivityRetried(word),
        TimerDue(word),
        BaselineUpdated((value,)),
        TrackAdded(word, any_track=yes),
        TrackScheduled(word, NOW + timedelta(days=data.draw(st.integers(0, 9))), any_track=yes, cancel_scheduled=yes),
        TrackUnscheduled(word),
        TrackStopped(word),
        Paused(None),
        Unpaused(),
        Stopped(None),
        Deleted(),
    ]
    before = write_care_flow(life.care_flow)
    for event in events:
        answer = advance(life.release, life.care_flow, event, life.now, life.profile)
        assert isinstance(answer, Advanced | Refusal)
        if life.care_flow.status.is_final and not isinstance(event, Deleted):
            assert isinstance(answer, Refusal), "an end is an end, but that what has ended can be deleted"
    assert write_care_flow(life.care_flow) == before, "what was given is not touched"


IDLE = timedelta(hours=1)
WHOSE = [Whose("patient", PATIENT_ID), Whose("stakeholder", "sh_nurse")]


@given(lives(), st.data())
@SOME
def test_a_session_lasts_as_long_as_its_stakeholder_has_something_to_do_and_ends_once(
    life: Life, data: st.DataObject
) -> None:
    """It began at any moment of the life; what becomes of idle ones is not the care flow's business."""
    place = data.draw(st.integers(0, len(life.moments) - 1))
    began = life.moments[place]
    care_flow = began.advanced.care_flow
    sessions = {
        whose: Session(whose.id, care_flow.id, whose, SessionStatus.ACTIVE, began.at, began.at + IDLE)
        for whose in WHOSE
        if pending(life.release, care_flow, whose)
    }
    for moment in life.moments[place + 1 :]:
        care_flow = moment.advanced.care_flow
        active = [one for one in sessions.values() if one.status is SessionStatus.ACTIVE]
        for changed in follow(life.release, moment.advanced, active, moment.at, IDLE):
            assert changed.expires_at >= sessions[changed.whose].expires_at, "time is given, never taken"
            sessions[changed.whose] = changed
        for one in active:
            left = pending(life.release, care_flow, one.whose)
            assert (sessions[one.whose].status is SessionStatus.ACTIVE) is bool(left)
    if life.care_flow.status.is_final and place < len(life.moments) - 1:
        assert not any(one.status is SessionStatus.ACTIVE for one in sessions.values())


EVENTS = {event for kind in get_args(CareFlowEvent) for event in get_args(kind) or [kind]}
EVERYTHING: set[object] = {
    *EVENTS,
    *get_args(Effect),
    *get_args(Order),
    *get_args(ActivityKind),
    *ActivityStatus,
    *TimerPurpose,
    *CareFlowStatus,
} - {CareFlowStatus.STARTING}
"""All that can happen in a life and follow from it."""


def met_in(life: Life) -> set[object]:
    """What a life has met of everything."""
    care_flows = [moment.advanced.care_flow for moment in life.moments]
    activities = [one for care_flow in care_flows for one in care_flow.activities.values()]
    orders = [order for moment in life.moments for order in moment.advanced.orders]
    return {
        *(type(moment.event) for moment in life.moments),
        *map(type, life.effects),
        *map(type, orders),
        *(one.kind for one in activities),
        *(one.status for one in activities),
        *(timer.purpose for one in care_flows for timer in one.timers.values()),
        *(one.status for one in care_flows),
    }


def test_lives_come_to_everything_that_there_is() -> None:
    """Or what holds for all of them says nothing of what none of them meets."""
    missing = set(EVERYTHING)

    def met_all(met: set[object]) -> bool:
        missing.difference_update(met)
        return not missing

    with suppress(NoSuchExample):
        # The same lives each time: how many it takes to meet the rarest things is chance, and of these it takes few.
        find(lives().map(met_in), met_all, settings=UNSHRUNK, random=Random(4))
    assert missing == set()


@given(whole_definitions())
@SOME
def test_what_is_lived_here_could_be_published_but_for_what_is_withheld(definition: object) -> None:
    problems = [one for one in validate(definition) if one.severity == "ERROR"]  # type: ignore[arg-type]
    assert {one.code.value for one in problems} <= {"NOT_SUPPORTED"}
