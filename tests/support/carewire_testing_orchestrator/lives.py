"""Random lives of care flows of any kind, in which anything happens that can."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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
    for _ in range(draw(st.integers(0, 12))):
        if draw(st.integers(0, 3)) == 0:
            life.now += timedelta(hours=draw(st.integers(0, 400)))
        if draw(st.integers(0, 2)) == 0:
            life.let_next_be_due()
            continue
        possible = list(possible_events(draw, life))
        if not possible:
            break
        life.let(draw(st.sampled_from(possible)))
    return life


def possible_events(draw: st.DrawFn, life: Life) -> Iterator[CareFlowEvent]:
    """What somebody could do now."""
    care_flow = life.care_flow
    if care_flow.status is CareFlowStatus.PAUSED:
        yield from (Unpaused(), Stopped("why"), Deleted())
    elif care_flow.status is CareFlowStatus.ACTIVE:
        for activity in care_flow.activities.values():
            yield from _on_activity(draw, life, activity)
        yield from _on_tracks(draw, life)
        yield BaselineUpdated(draw(st.sampled_from(BASELINES)))
        # What ends it all comes seldom, or most lives would be short.
        if draw(st.integers(0, 5)) == 0:
            yield from (Paused(None), Stopped(None), Deleted())
    elif care_flow.status is not CareFlowStatus.DELETED:
        yield Deleted()


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


def _on_activity(draw: st.DrawFn, life: Life, activity: Activity) -> Iterator[CareFlowEvent]:
    same_action = [one for one in life.care_flow.activities.values() if one.action_id == activity.action_id]
    if activity.status is ActivityStatus.FAILED and same_action[-1] == activity:
        yield ActivityRetried(activity.id)
    if not activity.is_open:
        return
    if activity.kind == "api_call":
        value = GivenValue("p_answer", ValueType.NUMBER, draw(st.integers(0, 9)))
        yield from (ApiCallAnswered(activity.id, (value,)), ApiCallFailed(activity.id, Reason.CALL_FAILED))
    elif activity.kind == "form":
        yield doing(activity, *draw(st.sampled_from(ANSWERS)))
    else:
        yield going_on(activity)
    if activity.kind in ("form", "checklist", "message"):
        yield from (ActivityExpired(activity.id), ActivityReassigned(activity.id, ("sh_nurse",)))


def _on_tracks(draw: st.DrawFn, life: Life) -> Iterator[CareFlowEvent]:
    for track_id in life.release.tracks:
        if life.care_flow.tracks.get(track_id) is TrackStatus.ACTIVE:
            if draw(st.integers(0, 3)) == 0:
                yield TrackStopped(track_id)
        elif draw(st.integers(0, 1)) == 0:
            later = life.now + timedelta(days=draw(st.integers(0, 9)))
            yield from (TrackAdded(track_id, any_track=True), TrackScheduled(track_id, later, any_track=True))
