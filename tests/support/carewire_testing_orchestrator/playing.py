"""Playing care flows through `advance` alone."""

from datetime import UTC, datetime

from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.advance import Advanced, Refusal, advance
from carewire_orchestrator.domain.care_flow import Activity, CareFlow
from carewire_orchestrator.domain.effects import ActivityMoved, Effect, TrackMoved
from carewire_orchestrator.domain.events import (
    ActivityDone,
    CareFlowEvent,
    ChecklistCompleted,
    FormSubmitted,
    MessageRead,
    Started,
)
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.release import Release

NOW = datetime(2026, 3, 2, 8, 15, 30, 120_000, tzinfo=UTC)
CARE_FLOW_ID = "0195f1a0-0000-7000-8000-000000000001"
PATIENT_ID = "0195f1a0-0000-7000-8000-000000000002"


def number(definition_id: str, value: float) -> GivenValue:
    """A number given for a data point."""
    return GivenValue(definition_id, ValueType.NUMBER, value)


class Played:
    """A care flow that is being played, with every effect so far."""

    def __init__(self, release: Release, *baseline: GivenValue) -> None:
        self.release = release
        self.care_flow = CareFlow(id=CARE_FLOW_ID, release_id=release.release_id, patient_id=PATIENT_ID)
        self.effects: list[Effect] = []
        self.let(Started(baseline))

    def let(self, event: CareFlowEvent) -> list[str]:
        """Let something happen; answers the story of what followed."""
        advanced = self.attempt(event)
        assert isinstance(advanced, Advanced), advanced
        self.care_flow = advanced.care_flow
        self.effects.extend(advanced.effects)
        return [tell(effect) for effect in advanced.effects]

    def attempt(self, event: CareFlowEvent) -> Advanced | Refusal:
        """Ask what would happen."""
        return advance(self.release, self.care_flow, event, NOW)

    def activity(self, action_id: str) -> Activity:
        """The activity of an action."""
        return next(found for found in self.care_flow.activities.values() if found.action_id == action_id)

    def do(self, action_id: str, *answers: GivenValue) -> list[str]:
        """Do the activity of an action."""
        return self.let(doing(self.activity(action_id), *answers))

    @property
    def story(self) -> list[str]:
        """Everything that happened, in short words."""
        return [tell(effect) for effect in self.effects]


def doing(activity: Activity, *answers: GivenValue) -> ActivityDone:
    """The event of an activity being done."""
    if activity.kind == "form":
        return FormSubmitted(activity.id, answers)
    return ChecklistCompleted(activity.id) if activity.kind == "checklist" else MessageRead(activity.id)


def tell(effect: Effect) -> str:
    """An effect in short words, such as `activity created act_pain`."""
    if isinstance(effect, ActivityMoved):
        return f"activity {effect.move} {effect.activity.action_id}"
    if isinstance(effect, TrackMoved):
        return f"track {effect.move} {effect.track_id}"
    return type(effect).__name__
