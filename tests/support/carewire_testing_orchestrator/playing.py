"""Playing care flows through `advance` alone."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

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
    TimerDue,
)
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.orders import Order, TimerCancelled, TimerSet
from carewire_orchestrator.domain.profile import NOTHING_KNOWN, ProfileDocument
from carewire_orchestrator.domain.release import Release

NOW = datetime(2026, 3, 2, 8, 15, 30, 120_000, tzinfo=UTC)
CARE_FLOW_ID = "0195f1a0-0000-7000-8000-000000000001"
PATIENT_ID = "0195f1a0-0000-7000-8000-000000000002"


def number(definition_id: str, value: float) -> GivenValue:
    """A number given for a data point."""
    return GivenValue(definition_id, ValueType.NUMBER, value)


class AlarmClock:
    """Keeps timers as a process does: it knows of them by orders alone."""

    def __init__(self) -> None:
        self.moments: dict[str, datetime] = {}

    def take(self, orders: Iterable[Order]) -> None:
        """Set and cancel."""
        for order in orders:
            if isinstance(order, TimerSet):
                self.moments[order.timer_id] = order.due_at
            elif isinstance(order, TimerCancelled):
                self.moments.pop(order.timer_id, None)

    def next_due(self, now: datetime) -> str | None:
        """The timer that is due first, if one is by now. It is not said twice."""
        due = [(moment, timer_id) for timer_id, moment in self.moments.items() if moment <= now]
        if not due:
            return None
        _, timer_id = min(due)
        del self.moments[timer_id]
        return timer_id


class Played:
    """A care flow that is being played, with every effect so far."""

    def __init__(
        self,
        release: Release,
        *baseline: GivenValue,
        time_zone: str = "UTC",
        now: datetime = NOW,
        profile: ProfileDocument = NOTHING_KNOWN,
    ) -> None:
        self.release = release
        self.now = now
        self.profile = profile
        self.care_flow = CareFlow(id=CARE_FLOW_ID, release_id=release.release_id, patient_id=PATIENT_ID)
        self.effects: list[Effect] = []
        self.orders: list[Order] = []
        self.clock = AlarmClock()
        self.let(Started(baseline, time_zone))

    def let(self, event: CareFlowEvent) -> list[str]:
        """Let something happen; answers the story of what followed."""
        advanced = self.attempt(event)
        assert isinstance(advanced, Advanced), advanced
        self.care_flow = advanced.care_flow
        self.effects.extend(advanced.effects)
        self.orders.extend(advanced.orders)
        self.clock.take(advanced.orders)
        return [tell(effect) for effect in advanced.effects]

    def attempt(self, event: CareFlowEvent) -> Advanced | Refusal:
        """Ask what would happen."""
        return advance(self.release, self.care_flow, event, self.now, self.profile)

    def later(self, **time: float) -> list[str]:
        """Let time pass, and every timer be due at its moment; answers the story of what followed."""
        end, story = self.now + timedelta(**time), []
        while self.clock.moments and (moment := min(self.clock.moments.values())) <= end:
            self.now = max(self.now, moment)
            story += self._ring()
        self.now = end
        return story

    def much_later(self, **time: float) -> list[str]:
        """Let time pass while no timer can be heard, and then all that are due by then at once."""
        self.now += timedelta(**time)
        return self._ring()

    def _ring(self) -> list[str]:
        story = []
        while (timer_id := self.clock.next_due(self.now)) is not None:
            story += self.let(TimerDue(timer_id))
        return story

    def activity(self, action_id: str) -> Activity:
        """The last activity of an action or a timer."""
        return [found for found in self.care_flow.activities.values() if found.action_id == action_id][-1]

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
        return f"activity {effect.move} {effect.activity.action_id or effect.activity.kind}"
    if isinstance(effect, TrackMoved):
        return f"track {effect.move} {effect.track_id}"
    return type(effect).__name__
