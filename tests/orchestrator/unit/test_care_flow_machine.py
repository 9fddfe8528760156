"""A care flow in anybody's hands: whatever was designed, whatever is done to it, at any time and in any order.

Beside it stands a watcher who hears of it by its effects alone, as downstream teams hear of it by domain events.
"""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from carewire_contracts.definition import CareFlowDefinition
from carewire_orchestrator.domain.advance import Advanced, Refusal, advance
from carewire_orchestrator.domain.care_flow import (
    Activity,
    ActivityStatus,
    CareFlowStatus,
    CollectedValue,
    StepStatus,
)
from carewire_orchestrator.domain.care_flow_document import read_care_flow, write_care_flow
from carewire_orchestrator.domain.effects import (
    ActivityMoved,
    CareFlowCompleted,
    CareFlowStarted,
    CareFlowStopped,
    DataPointCollected,
    Effect,
    FormAnswered,
    TrackMoved,
)
from carewire_orchestrator.domain.events import (
    CareFlowEvent,
    ChecklistCompleted,
    FormSubmitted,
    MessageRead,
    Started,
    Stopped,
)
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.release import Release
from carewire_testing_orchestrator.definitions import definitions
from carewire_testing_orchestrator.histories import ANSWERS, new_care_flow
from carewire_testing_orchestrator.playing import NOW, doing

ENDS = {
    "completed": ActivityStatus.DONE,
    "updated": ActivityStatus.CANCELED,
    "expired": ActivityStatus.EXPIRED,
}


class Watcher:
    """Puts a care flow together from its effects, and insists on their order."""

    def __init__(self) -> None:
        self.status = CareFlowStatus.STARTING
        self.tracks: dict[str, str] = {}
        self.activities: dict[str, Activity] = {}
        self.data_points: dict[str, CollectedValue] = {}
        self.heard = 0
        self._answers: list[CollectedValue] = []

    def hear(self, effect: Effect) -> None:
        assert not self.status.is_final, "nothing is told of a care flow after its end"
        assert (self.heard == 0) is isinstance(effect, CareFlowStarted), "its start comes first, and once"
        self.heard += 1
        if self._answers:
            assert effect == DataPointCollected(self._answers[0]), "the answers of a form follow it, in its order"
        match effect:
            case CareFlowStarted():
                self.status = CareFlowStatus.ACTIVE
            case CareFlowStopped():
                self._end(CareFlowStatus.STOPPED)
            case CareFlowCompleted():
                self._end(CareFlowStatus.COMPLETED)
            case TrackMoved():
                self._hear_of_track(effect)
            case ActivityMoved():
                self._hear_of_activity(effect)
            case FormAnswered():
                assert self.activities[effect.activity.id].is_open, "a form is answered while it is open"
                self._answers = list(effect.answers)
            case DataPointCollected():
                self.data_points[effect.value.given.definition_id] = effect.value
                self._answers = self._answers[1:]

    def _end(self, status: CareFlowStatus) -> None:
        assert "started" not in self.tracks.values(), "tracks end before their care flow"
        assert not any(one.is_open for one in self.activities.values()), "activities end before their care flow"
        self.status = status

    def _hear_of_track(self, effect: TrackMoved) -> None:
        expected = None if effect.move == "started" else "started"
        assert self.tracks.get(effect.track_id) == expected, "a track starts once and ends once"
        self.tracks[effect.track_id] = effect.move

    def _hear_of_activity(self, effect: ActivityMoved) -> None:
        told, known = effect.activity, self.activities.get(effect.activity.id)
        if effect.move == "created":
            assert known is None, "an activity is created once"
            assert told.is_open
            assert self.tracks[told.track_id] == "started", "only a track that runs makes activities"
        else:
            assert known is not None, "nothing is told of an activity before it was created"
            assert known.is_open, "an activity ends once"
            assert told.status is ENDS[effect.move]
            assert told.ended_at is not None
            assert told.created_at == known.created_at
        self.activities[told.id] = told


class CareFlowMachine(RuleBasedStateMachine):
    """The rules are what people can do; the invariants are what they can rely on after each."""

    @initialize(definition=definitions())
    def start(self, definition: CareFlowDefinition) -> None:
        self.release = Release.of("release", 1, definition)
        self.now = NOW
        self.care_flow = new_care_flow(self.release)
        self.watcher = Watcher()
        self.history: list[tuple[CareFlowEvent, timedelta]] = []
        self.let(Started(()))

    def let(self, event: CareFlowEvent) -> None:
        """Let something happen that can happen."""
        advanced = advance(self.release, self.care_flow, event, self.now)
        assert isinstance(advanced, Advanced), advanced
        self.care_flow = advanced.care_flow
        self.history.append((event, self.now - NOW))
        for effect in advanced.effects:
            self.watcher.hear(effect)

    def ask(self, event: CareFlowEvent) -> Refusal:
        """Ask for something that cannot happen."""
        refusal = advance(self.release, self.care_flow, event, self.now)
        assert isinstance(refusal, Refusal), refusal
        return refusal

    def runs(self) -> bool:
        return self.care_flow.status is CareFlowStatus.ACTIVE

    def open_activities(self) -> list[Activity]:
        return [one for one in self.care_flow.activities.values() if one.is_open]

    @rule(milliseconds=st.integers(0, 10**9))
    def time_passes(self, milliseconds: int) -> None:
        self.now += timedelta(milliseconds=milliseconds)

    @precondition(lambda self: self.open_activities())
    @rule(data=st.data(), answers=st.sampled_from(ANSWERS))
    def somebody_does_an_activity(self, data: st.DataObject, answers: tuple[GivenValue, ...]) -> None:
        self.let(doing(data.draw(st.sampled_from(self.open_activities())), *answers))

    @precondition(runs)
    @rule(answers=st.sampled_from(ANSWERS))
    def everybody_does_what_is_asked_of_them(self, answers: tuple[GivenValue, ...]) -> None:
        while blocking := [one for one in self.open_activities() if one.blocks]:
            self.let(doing(blocking[0], *answers))
        assert self.care_flow.status.is_final, "nobody is asked for anything, and so it has ended"

    @precondition(runs)
    @rule(reason=st.sampled_from([None, "Moved away"]))
    def somebody_stops_it(self, reason: str | None) -> None:
        self.let(Stopped(reason))
        assert (self.care_flow.status, self.care_flow.stop_reason) == (CareFlowStatus.STOPPED, reason)

    @rule()
    def a_process_dies_and_another_takes_over(self) -> None:
        stored = read_care_flow(write_care_flow(self.care_flow))
        assert stored == self.care_flow
        for kind in ("tracks", "steps", "activities", "data_points"):
            assert list(getattr(stored, kind)) == list(getattr(self.care_flow, kind)), "order is kept as well"
        self.care_flow = stored

    @invariant()
    def somebody_starts_it_again(self) -> None:
        assert self.ask(Started(())) is Refusal.ALREADY_STARTED

    @precondition(runs)
    @invariant()
    def somebody_asks_for_an_activity_of_another_care_flow(self) -> None:
        for event in (MessageRead("elsewhere"), ChecklistCompleted("elsewhere"), FormSubmitted("elsewhere", ())):
            assert self.ask(event) is Refusal.ACTIVITY_NOT_FOUND

    @precondition(runs)
    @invariant()
    def somebody_takes_an_activity_for_another_kind(self) -> None:
        for activity in self.care_flow.activities.values():
            for kind, event in (
                ("message", MessageRead(activity.id)),
                ("checklist", ChecklistCompleted(activity.id)),
                ("form", FormSubmitted(activity.id, ())),
            ):
                if activity.kind != kind:
                    assert self.ask(event) is Refusal.OTHER_KIND_OF_ACTIVITY

    @precondition(runs)
    @invariant()
    def somebody_does_again_what_is_done(self) -> None:
        for activity in self.care_flow.activities.values():
            if not activity.is_open:
                assert self.ask(doing(activity)) is Refusal.ACTIVITY_ENDED

    @precondition(lambda self: not self.runs())
    @invariant()
    def somebody_comes_too_late(self) -> None:
        events: list[CareFlowEvent] = [Stopped("late"), MessageRead("elsewhere")]
        for event in [*events, *(doing(activity) for activity in self.care_flow.activities.values())]:
            assert self.ask(event) is Refusal.CARE_FLOW_ENDED

    @invariant()
    def whoever_hears_the_effects_knows_the_state(self) -> None:
        assert self.watcher.status is self.care_flow.status
        assert self.watcher.activities == self.care_flow.activities
        assert self.watcher.data_points == self.care_flow.data_points
        told = {"started": "active"}
        tracks = {track: told.get(move, move) for track, move in self.watcher.tracks.items()}
        assert tracks == {track: status.value for track, status in self.care_flow.tracks.items()}

    @invariant()
    def the_sequence_counts_the_effects(self) -> None:
        assert self.care_flow.sequence == self.watcher.heard

    @invariant()
    def a_care_flow_that_runs_waits_for_somebody(self) -> None:
        if self.runs():
            assert any(activity.blocks for activity in self.open_activities())
        else:
            assert self.open_activities() == []

    @invariant()
    def a_step_is_active_exactly_while_something_blocks_it(self) -> None:
        blocked = {activity.step_id for activity in self.care_flow.activities.values() if activity.blocks}
        active = {step for step, status in self.care_flow.steps.items() if status is StepStatus.ACTIVE}
        assert active == blocked

    @invariant()
    def an_action_makes_one_activity_at_most(self) -> None:
        actions = [activity.action_id for activity in self.care_flow.activities.values()]
        assert len(set(actions)) == len(actions)

    @invariant()
    def times_follow_each_other(self) -> None:
        started_at, ended_at = self.care_flow.started_at, self.care_flow.ended_at
        assert started_at == NOW
        assert (ended_at is None) is self.runs()
        for activity in self.care_flow.activities.values():
            assert started_at <= activity.created_at <= (activity.ended_at or self.now) <= (ended_at or self.now)

    def teardown(self) -> None:
        """The same events at the same times lead to the same care flow."""
        if not hasattr(self, "history"):
            return
        again = new_care_flow(self.release)
        for event, after in self.history:
            advanced = advance(self.release, again, event, NOW + after)
            assert isinstance(advanced, Advanced)
            again = advanced.care_flow
        assert again == self.care_flow


CareFlowMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)
TestCareFlow = CareFlowMachine.TestCase
