"""What a care flow does by itself once something has happened to it.

- A track starts when a trigger fires: when the care flow starts, or a track or a step is completed. It runs once.
- From the start of its track, and from each step that is done, the transitions that hold are taken: those without
  a rule always, those with a rule when it is satisfied, the default ones when no ruled one is. Several are a fork.
- A step is reached by the first transition that arrives, and is active once: later arrivals change nothing, so a
  join does not wait for its other branches. A condition on an empty value does not hold; see the rule language.
- A step that is reached makes the activities of its actions, in order. Forms and checklists block it, messages do
  not. When nothing blocks it any more it is done; an empty step is done at once.
- The end of a track ends the branch that reaches it, not the others. A track is completed when no step of it is
  active; the care flow is completed when no track is. Messages that nobody read by then expire.
- A stop ends everything at once: open activities are canceled, active steps discarded, active tracks stopped.

Since each step is active once, a care flow makes at most as many moves as its release has steps and tracks.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Final

from carewire_contracts.definition import Step, StopCareFlowAction, Track, Transition
from carewire_contracts.rules import Rule, evaluate
from carewire_contracts.values import TypedValue, from_wire
from carewire_orchestrator.domain.care_flow import (
    Activity,
    ActivityStatus,
    CareFlow,
    CareFlowStatus,
    CollectedValue,
    StepStatus,
    TrackStatus,
)
from carewire_orchestrator.domain.effects import (
    ActivityMove,
    ActivityMoved,
    CareFlowCompleted,
    CareFlowStarted,
    CareFlowStopped,
    DataPointCollected,
    Effect,
    FormAnswered,
    TrackMove,
    TrackMoved,
)
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.release import TRACK_START, Release
from carewire_orchestrator.domain.supported import RunnableAction
from carewire_runtime.ids import derived_id


class Progress:
    """A working copy of one care flow while one event works its way through it, and the effects so far."""

    def __init__(self, release: Release, before: CareFlow, now: datetime) -> None:
        self._release = release
        self._before = before
        self._now = now
        self._status = before.status
        self._stop_reason = before.stop_reason
        self._tracks = dict(before.tracks)
        self._steps = dict(before.steps)
        self._activities = dict(before.activities)
        self._data_points = dict(before.data_points)
        self._effects: list[Effect] = []
        self._arrivals: deque[tuple[Track, Step]] = deque()

    def care_flow(self) -> CareFlow:
        """The care flow afterwards."""
        return replace(
            self._before,
            status=self._status,
            started_at=self._before.started_at or self._now,
            ended_at=self._now if self._status.is_final else None,
            stop_reason=self._stop_reason,
            tracks=self._tracks,
            steps=self._steps,
            activities=self._activities,
            data_points=self._data_points,
            sequence=self._before.sequence + len(self._effects),
        )

    def effects(self) -> tuple[Effect, ...]:
        """What followed, in order."""
        return tuple(self._effects)

    # What happened

    def start(self, baseline: Iterable[GivenValue]) -> None:
        """Start the care flow with its baseline."""
        self._status = CareFlowStatus.ACTIVE
        self._effects.append(CareFlowStarted(self._now))
        for given in baseline:
            self._collect(self._collected(given))
        self._fire("pathway_started")

    def submit_form(self, activity: Activity, answers: Iterable[GivenValue]) -> None:
        """Collect the answers of a form and complete its activity."""
        collected = tuple(self._collected(answer, offset) for offset, answer in enumerate(answers, 1))
        self._effects.append(FormAnswered(activity, collected, self._now))
        for value in collected:
            self._collect(value)
        self.complete_activity(activity)

    def complete_activity(self, activity: Activity) -> None:
        """Complete an activity, and its step where nothing else blocks that."""
        self._end_activity(activity, ActivityStatus.DONE)
        self._finish_step_unless_blocked(self._release.tracks[activity.track_id], self._release.steps[activity.step_id])

    def stop(self, reason: str | None) -> None:
        """Stop everything."""
        self._arrivals.clear()
        for activity in self._open_activities():
            self._end_activity(activity, ActivityStatus.CANCELED)
        for step_id in [step_id for step_id, status in self._steps.items() if status is StepStatus.ACTIVE]:
            self._steps[step_id] = StepStatus.DISCARDED
        for track_id in self._active_tracks():
            self._move_track(track_id, TrackStatus.STOPPED)
        self._status, self._stop_reason = CareFlowStatus.STOPPED, reason
        self._effects.append(CareFlowStopped(self._now, reason))

    # What follows by itself

    def settle(self) -> None:
        """Go on until nothing moves any more."""
        while self._status is CareFlowStatus.ACTIVE:
            idle = next((track_id for track_id in self._active_tracks() if not self._has_active_step(track_id)), None)
            if self._arrivals:
                self._reach(*self._arrivals.popleft())
            elif idle is not None:
                self._move_track(idle, TrackStatus.COMPLETED)
                self._fire("track_completed", idle)
            elif not self._active_tracks():
                self._complete()
            else:
                return

    def _complete(self) -> None:
        for activity in self._open_activities():
            self._end_activity(activity, ActivityStatus.EXPIRED)
        self._status = CareFlowStatus.COMPLETED
        self._effects.append(CareFlowCompleted(self._now))

    def _fire(self, occasion: str, node_id: str | None = None) -> None:
        for trigger in self._release.triggers.get((occasion, node_id), ()):
            if trigger.target_id not in self._tracks and self._holds(trigger.settings.rule):
                track = self._release.tracks[trigger.target_id]
                self._move_track(track.id, TrackStatus.ACTIVE)
                self._follow(track, TRACK_START)

    def _follow(self, track: Track, step_id: str) -> None:
        for transition in self._taken(self._release.transitions.get((track.id, step_id), ())):
            destination = transition.destination
            if destination.type == "step" and destination.node_id is not None:
                self._arrivals.append((track, self._release.steps[destination.node_id]))

    def _taken(self, transitions: Iterable[Transition]) -> Iterable[Transition]:
        regular = [transition for transition in transitions if not transition.default]
        taken = [transition for transition in regular if self._holds(transition.rule)]
        if any(transition.rule is not None for transition in taken):
            return taken
        return chain(taken, (transition for transition in transitions if transition.default))

    def _reach(self, track: Track, step: Step) -> None:
        if step.id in self._steps:
            return
        self._steps[step.id] = StepStatus.ACTIVE
        for action in step.actions:
            self._perform(track, step, self._release.actions[action.id])
            if self._status is not CareFlowStatus.ACTIVE:
                return
        self._finish_step_unless_blocked(track, step)

    def _perform(self, track: Track, step: Step, action: RunnableAction) -> None:
        activity = Activity(
            id=self._next_id("activity"),
            kind=action.type,
            track_id=track.id,
            step_id=step.id,
            action_id=action.id,
            status=ActivityStatus.ACTIVE,
            created_at=self._now,
        )
        self._activities[activity.id] = activity
        self._effects.append(ActivityMoved("created", activity))
        if isinstance(action, StopCareFlowAction):
            self._end_activity(activity, ActivityStatus.DONE)
            self.stop(action.reason)

    def _finish_step_unless_blocked(self, track: Track, step: Step) -> None:
        if self._steps[step.id] is not StepStatus.ACTIVE or self._is_blocked(step.id):
            return
        self._steps[step.id] = StepStatus.DONE
        self._follow(track, step.id)
        self._fire("step_completed", step.id)

    # Small moves and questions

    def _end_activity(self, activity: Activity, status: ActivityStatus) -> None:
        ended = replace(activity, status=status, ended_at=self._now)
        self._activities[activity.id] = ended
        self._effects.append(ActivityMoved(_ACTIVITY_MOVES[status], ended))

    def _move_track(self, track_id: str, status: TrackStatus) -> None:
        self._tracks[track_id] = status
        self._effects.append(TrackMoved(_TRACK_MOVES[status], track_id))

    def _collected(self, given: GivenValue, offset: int = 0) -> CollectedValue:
        return CollectedValue(self._next_id("data-point", offset), given, self._now)

    def _collect(self, value: CollectedValue) -> None:
        self._data_points[value.given.definition_id] = value
        self._effects.append(DataPointCollected(value))

    def _next_id(self, kind: str, offset: int = 0) -> str:
        """An id from the number of the domain event that tells of it first."""
        number = self._before.sequence + len(self._effects) + 1 + offset
        return derived_id(self._before.id, kind, str(number))

    def _holds(self, rule: Rule | None) -> bool:
        return rule is None or evaluate(rule, self._values(), self._now).satisfied

    def _values(self) -> dict[str, TypedValue]:
        return {
            definition_id: from_wire(collected.given.value, collected.given.value_type)
            for definition_id, collected in self._data_points.items()
        }

    def _open_activities(self) -> list[Activity]:
        return [activity for activity in self._activities.values() if activity.is_open]

    def _active_tracks(self) -> list[str]:
        return [track_id for track_id, status in self._tracks.items() if status is TrackStatus.ACTIVE]

    def _has_active_step(self, track_id: str) -> bool:
        return any(self._steps.get(step.id) is StepStatus.ACTIVE for step in self._release.tracks[track_id].steps)

    def _is_blocked(self, step_id: str) -> bool:
        return any(activity.blocks for activity in self._activities.values() if activity.step_id == step_id)


_ACTIVITY_MOVES: Final[dict[ActivityStatus, ActivityMove]] = {
    ActivityStatus.DONE: "completed",
    ActivityStatus.CANCELED: "updated",
    ActivityStatus.EXPIRED: "expired",
}

_TRACK_MOVES: Final[dict[TrackStatus, TrackMove]] = {
    TrackStatus.ACTIVE: "started",
    TrackStatus.COMPLETED: "completed",
    TrackStatus.STOPPED: "stopped",
}
