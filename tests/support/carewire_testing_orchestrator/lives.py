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
    Unpaused,
)
from carewire_orchestrator.domain.given_values import GivenValue
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


@dataclass
class Moment:
    """An event, when it happened, and what came of it."""

    at: datetime
    event: CareFlowEvent
    before: CareFlow
    advanced: Advanced


@dataclass
class Life:
    """A care flow that is being lived."""

    release: Release
    care_flow: CareFlow
    now: datetime = NOW
    moments: list[Moment] = field(default_factory=list)
    clock: AlarmClock = field(default_factory=AlarmClock)

    def let(self, event: CareFlowEvent) -> Advanced:
        """Let something happen that can happen."""
        advanced = advance(self.release, self.care_flow, event, self.now)
        assert isinstance(advanced, Advanced), (advanced, event)
        self.moments.append(Moment(self.now, event, self.care_flow, advanced))
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
    life = Life(release, new_care_flow(release))
    life.let(Started(draw(st.sampled_from(BASELINES)), draw(st.sampled_from(ZONES))))
    for turn in draw(st.lists(st.sampled_from(_TURNS), min_size=8, max_size=20)):
        if turn == "time passes":
            life.now += timedelta(hours=draw(st.integers(1, 400)))
        elif turn == "a timer is due":
            life.let_next_be_due()
        elif possible := list(_POSSIBLE[turn](life)):
            life.let(draw(st.sampled_from(possible)))
    return life


def _people(life: Life) -> Iterator[CareFlowEvent]:
    """What those do who are asked for something, and the systems that are called."""
    for activity in life.care_flow.activities.values():
        if not activity.is_open:
            continue
        if activity.kind == "form":
            yield from (doing(activity, *answers) for answers in ANSWERS)
        elif activity.kind == "api_call":
            value = GivenValue("p_answer", ValueType.NUMBER, 7)
            yield from (ApiCallAnswered(activity.id, (value,)), ApiCallFailed(activity.id, Reason.CALL_FAILED))
        else:
            yield going_on(activity)


def _operators(life: Life) -> Iterator[CareFlowEvent]:
    """What staff does with single activities."""
    last = {activity.action_id: activity for activity in life.care_flow.activities.values()}
    for activity in life.care_flow.activities.values():
        if activity.status is ActivityStatus.FAILED and last[activity.action_id] is activity:
            yield ActivityRetried(activity.id)
        if activity.is_open and activity.kind in ("form", "checklist", "message"):
            yield from (ActivityExpired(activity.id), ActivityReassigned(activity.id, ("sh_nurse",)))
    yield from (BaselineUpdated(values) for values in BASELINES)


def _tracks(life: Life) -> Iterator[CareFlowEvent]:
    """What staff does with tracks."""
    for track_id in life.release.tracks:
        if life.care_flow.tracks.get(track_id) is TrackStatus.ACTIVE:
            yield TrackStopped(track_id)
        else:
            yield TrackAdded(track_id, any_track=True)
            yield from (TrackScheduled(track_id, life.now + timedelta(days=days), any_track=True) for days in (0, 9))


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
    "breaks": _breaks,
    "ends": _ends,
}
_TURNS: Final = [*["people"] * 5, *["a timer is due"] * 3, "time passes", "operators", "tracks", "breaks", "ends"]
"""Whose turn it is; those come oftener whom most of a life belongs to."""


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
