"""Random lives of care flows of any kind, in which anything happens that can."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hypothesis import strategies as st

from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.advance import Advanced, advance
from carewire_orchestrator.domain.care_flow import (
    Activity,
    ActivityStatus,
    CareFlow,
    CareFlowStatus,
    Reason,
    TimerPurpose,
    TrackStatus,
)
from carewire_orchestrator.domain.effects import Effect
from carewire_orchestrator.domain.events import (
    ActivityExpired,
    ActivityReassigned,
    ActivityRetried,
    ApiCallAnswered,
    ApiCallFailed,
    BaselineUpdated,
    CareFlowEvent,
    Deleted,
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
from carewire_orchestrator.domain.profile import NOTHING_KNOWN, ProfileDocument
from carewire_orchestrator.domain.release import Release
from carewire_testing_orchestrator.histories import new_care_flow
from carewire_testing_orchestrator.playing import NOW, AlarmClock, doing
from carewire_testing_orchestrator.whole_definitions import whole_definitions

ANSWERS: list[tuple[GivenValue, ...]] = [
    (),
    (GivenValue("q_yes", ValueType.BOOLEAN, value=True),),
    (GivenValue("q_number", ValueType.NUMBER, 1), GivenValue("q_yes", ValueType.BOOLEAN, value=False)),
    (GivenValue("q_number", ValueType.NUMBER, 9),),
]
BASELINES: list[tuple[GivenValue, ...]] = [
    (),
    (GivenValue("p_number", ValueType.NUMBER, 2),),
    (GivenValue("p_number", ValueType.NUMBER, 99),),
    (GivenValue("p_date", ValueType.DATE, "2026-02-01T00:00:00.000Z"),),
    (GivenValue("p_date", ValueType.DATE, "2026-04-01T08:00:00.000Z"), GivenValue("p_number", ValueType.NUMBER, 7)),
]
ZONES = ["UTC", "Europe/Brussels", "Pacific/Apia"]
PROFILES: list[ProfileDocument] = [
    NOTHING_KNOWN,
    {"first_name": "Iris", "sex": "FEMALE", "birth_date": "1961-07-04"},
    {"first_name": "Luc", "sex": "MALE", "birth_date": "about 1990"},
]


@dataclass
class Moment:
    """An event, when it happened, what was known of the patient then, and what came of it."""

    at: datetime
    profile: ProfileDocument
    event: CareFlowEvent
    before: CareFlow
    advanced: Advanced


@dataclass
class Life:
    """A care flow that is being lived."""

    release: Release
    care_flow: CareFlow
    now: datetime = NOW
    profile: ProfileDocument = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    clock: AlarmClock = field(default_factory=AlarmClock)

    def let(self, event: CareFlowEvent) -> Advanced:
        """Let something happen that can happen."""
        advanced = advance(self.release, self.care_flow, event, self.now, self.profile)
        assert isinstance(advanced, Advanced), (advanced, event)
        self.moments.append(Moment(self.now, self.profile, event, self.care_flow, advanced))
        self.care_flow = advanced.care_flow
        self.clock.take(advanced.orders)
        return advanced

    def let_next_be_due(self) -> bool:
        """Wait for the next timer; answers whether there is one."""
        if not self.clock.moments:
            return False
        self.now = max(self.now, min(self.clock.moments.values()))
        timer_id = self.clock.next_due(self.now)
        self.let(TimerDue(timer_id or ""))
        return True

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Everything that was told, in order."""
        return tuple(effect for moment in self.moments for effect in moment.advanced.effects)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Any life of any care flow, up to its end or to where it was left."""
    release = Release.of("release", 1, draw(whole_definitions()))
    life = Life(release, new_care_flow(release), profile=draw(st.sampled_from(PROFILES)))
    life.let(Started(draw(st.sampled_from(BASELINES)), draw(st.sampled_from(ZONES))))
    turns = draw(st.integers(6, 18))
    while turns and not life.care_flow.status.is_final:
        _take_turn(draw, life, draw(st.sampled_from(_TURNS)))
        turns -= 1
    if draw(st.booleans()):
        life.let(draw(st.sampled_from(list(_ends(life)))))
    return life


def _take_turn(draw: st.DrawFn, life: Life, turn: str) -> None:
    if turn == "time passes":
        life.now += timedelta(hours=draw(st.integers(1, 400)))
    elif turn == "the profile changes":
        life.profile = draw(st.sampled_from(PROFILES))
    elif turn == "a timer is due":
        life.let_next_be_due()
    # Where those have nothing to do whose turn it is, others have; while it is paused, nobody but staff.
    elif possible := list(_POSSIBLE[turn](life)) or list(_breaks(life)):
        life.let(draw(st.sampled_from(possible)))


def _people(life: Life) -> Iterator[CareFlowEvent]:
    """What those do who are asked for something, and the systems that are called."""
    for activity in life.care_flow.activities.values():
        if not activity.is_open:
            continue
        if activity.kind == "form":
            yield from (doing(activity, *answers) for answers in ANSWERS)
        elif activity.kind == "api_call":
            value = GivenValue("p_answer", ValueType.NUMBER, 7)
            failed = ApiCallFailed(activity.id, Reason.CALL_FAILED)
            yield from (ApiCallAnswered(activity.id, (value,)), failed, failed)
        elif can_go_on(life, activity):
            yield going_on(activity)


def _operators(life: Life) -> Iterator[CareFlowEvent]:
    """What staff does with single activities."""
    last = {activity.action_id: activity for activity in life.care_flow.activities.values()}
    failed = [one for one in life.care_flow.activities.values() if one.status is ActivityStatus.FAILED]
    if again := [ActivityRetried(one.id) for one in failed if last[one.action_id] is one]:
        yield from again
        return
    for activity in life.care_flow.activities.values():
        if activity.is_open and activity.kind in ("form", "checklist", "message"):
            yield from (ActivityExpired(activity.id), ActivityReassigned(activity.id, ("sh_nurse",)))
        if activity.is_open and activity.kind == "api_call":
            yield ActivityExpired(activity.id)
    yield BaselineUpdated(BASELINES[1 + len(life.moments) % (len(BASELINES) - 1)])


def _tracks(life: Life) -> Iterator[CareFlowEvent]:
    """What staff does with tracks."""
    for track_id in life.release.tracks:
        if life.care_flow.tracks.get(track_id) is TrackStatus.ACTIVE:
            yield TrackStopped(track_id)
        else:
            yield TrackAdded(track_id, any_track=True)
    for trigger in life.release.triggers.get(("ad_hoc", None), ()):
        # Its rule may not hold by now, and then it cannot be added.
        added = TrackAdded(trigger.target_id)
        if isinstance(advance(life.release, life.care_flow, added, life.now, life.profile), Advanced):
            yield added


def _schedules(life: Life) -> Iterator[CareFlowEvent]:
    """What staff does with tracks that are to start later; what was scheduled is taken back as often as not."""
    scheduled = [one for one in life.care_flow.timers.values() if one.purpose is TimerPurpose.SCHEDULED_TRACK]
    if scheduled:
        yield TrackUnscheduled(scheduled[0].id)
        yield TrackScheduled(scheduled[0].node_id, life.now + timedelta(days=4), any_track=True, cancel_scheduled=True)
        return
    for track_id in life.release.tracks:
        yield TrackScheduled(track_id, life.now + timedelta(days=9), any_track=True)
        if life.care_flow.tracks.get(track_id) is not TrackStatus.ACTIVE:
            yield TrackScheduled(track_id, life.now, any_track=True)


def _while_active(events: Callable[[Life], Iterator[CareFlowEvent]]) -> Callable[[Life], Iterator[CareFlowEvent]]:
    def possible(life: Life) -> Iterator[CareFlowEvent]:
        return events(life) if life.care_flow.status is CareFlowStatus.ACTIVE else iter(())

    return possible


def _breaks(life: Life) -> Iterator[CareFlowEvent]:
    """Pauses; a paused care flow goes on."""
    if not life.care_flow.status.is_final:
        yield Unpaused() if life.care_flow.status is CareFlowStatus.PAUSED else Paused(None)


def _ends(life: Life) -> Iterator[CareFlowEvent]:
    if not life.care_flow.status.is_final:
        yield Stopped(None)
    if life.care_flow.status is not CareFlowStatus.DELETED:
        yield Deleted()


_POSSIBLE: Final[dict[str, Callable[[Life], Iterator[CareFlowEvent]]]] = {
    "people": _while_active(_people),
    "operators": _while_active(_operators),
    "tracks": _while_active(_tracks),
    "schedules": _while_active(_schedules),
    "breaks": _breaks,
}
_TURNS: Final = [
    *["people"] * 4,
    *["a timer is due"] * 2,
    *["operators"] * 2,
    "tracks",
    *["schedules"] * 2,
    "time passes",
    "the profile changes",
    "breaks",
]
"""Whose turn it is; those come oftener whom most of a life belongs to."""


def can_go_on(life: Life, activity: Activity) -> bool:
    """Whether somebody can let an open activity end; a designer may have a timer wait whoever wants it over."""
    return activity.kind != "timer" or life.release.timers[activity.step_id].skippable


def going_on(activity: Activity) -> CareFlowEvent:
    """What lets an open activity end."""
    match activity.kind:
        case "timer":
            return TimerSkipped(activity.id)
        case "evaluated_rule":
            return Resumed(activity.id)
        case "api_call":
            return ApiCallAnswered(activity.id, ())
        case _:
            return doing(activity)
