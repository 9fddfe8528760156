"""A working copy of one care flow while one event works its way through it.

It holds what the other modules of the engine share: the state as it is by now, what is told of it, what is asked of
the world outside, and what is still to be looked at. What moves when, they say: `tracks`, `ways`, `steps`, `actions`,
`waiting`, `collecting`, and `progress`, which puts them together.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import TypeAlias

from carewire_contracts.definition import Step, Timer, Track
from carewire_contracts.rules import Rule, evaluate
from carewire_contracts.values import TypedValue
from carewire_orchestrator.domain.care_flow import CareFlow, CareFlowStatus, CollectedValue
from carewire_orchestrator.domain.effects import Effect
from carewire_orchestrator.domain.known_values import known_values
from carewire_orchestrator.domain.orders import Order
from carewire_orchestrator.domain.profile import NOTHING_KNOWN, ProfileDocument
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.system_dates import DateKind, system_date
from carewire_orchestrator.timezones import TIME_ZONES
from carewire_runtime.ids import derived_id

Arrival: TypeAlias = tuple[Track, Step | Timer | None]
"""A track and where it goes on; None is the end of the care flow."""


class Course:
    """The care flow by now. Its mappings are its own; what was given stays as it was.

    `profile` is what is known of the patient now.
    """

    def __init__(
        self, release: Release, before: CareFlow, now: datetime, profile: ProfileDocument = NOTHING_KNOWN
    ) -> None:
        self.release = release
        self.before = before
        self.now = now
        self.status = before.status
        self.time_zone_name = before.time_zone
        self.stop_reason = before.stop_reason
        self.pause_reason = before.pause_reason
        self.tracks = dict(before.tracks)
        self.steps = dict(before.steps)
        self.activities = dict(before.activities)
        self.data_points = dict(before.data_points)
        self.timers = dict(before.timers)
        self.system_dates = dict(before.system_dates)
        self.arrivals: deque[Arrival] = deque()
        self.news: deque[str] = deque()
        """Data points that got a value, and nobody has looked yet at what follows."""
        self._profile = profile
        self._timers_set = before.timers_set
        self._effects: list[Effect] = []
        self._orders: list[Order] = []
        self._values: dict[str, TypedValue] | None = None

    def care_flow(self) -> CareFlow:
        """The care flow afterwards."""
        return replace(
            self.before,
            status=self.status,
            started_at=self.before.started_at or self.now,
            ended_at=self.before.ended_at or (self.now if self.status.is_final else None),
            stop_reason=self.stop_reason,
            pause_reason=self.pause_reason,
            tracks=self.tracks,
            steps=self.steps,
            activities=self.activities,
            data_points=self.data_points,
            sequence=self.before.sequence + len(self._effects),
            time_zone=self.time_zone_name,
            timers=self.timers,
            timers_set=self._timers_set,
            system_dates=self.system_dates,
        )

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What is told, in order."""
        return tuple(self._effects)

    @property
    def orders(self) -> tuple[Order, ...]:
        """What is asked of the world outside, in order."""
        return tuple(self._orders)

    @property
    def is_active(self) -> bool:
        """Whether anything may move."""
        return self.status is CareFlowStatus.ACTIVE

    @property
    def zone(self) -> tzinfo:
        """The patient's time zone; UTC where the name is none, as for a patient whose zone is not known."""
        return TIME_ZONES.get(self.time_zone_name, UTC)

    def tell(self, effect: Effect) -> None:
        """Let everybody know."""
        self._effects.append(effect)

    def order(self, order: Order) -> None:
        """Ask the world outside for something."""
        self._orders.append(order)

    def next_id(self, kind: str, offset: int = 0) -> str:
        """An id from the number of the domain event that tells of it first."""
        number = self.before.sequence + len(self._effects) + 1 + offset
        return derived_id(self.before.id, kind, str(number))

    def next_timer_id(self) -> str:
        """An id for a timer of which no event tells."""
        self._timers_set += 1
        return derived_id(self.before.id, "timer", str(self._timers_set))

    # What is known

    @property
    def values(self) -> Mapping[str, TypedValue]:
        """The last value of each data point, system dates and fields of the profile included."""
        if self._values is None:
            self._values = known_values(self.release, self._profile, self.data_points, self.system_dates)
        return self._values

    def holds(self, rule: Rule | None) -> bool:
        """Whether a rule holds now; no rule always does."""
        return rule is None or evaluate(rule, self.values, self.now).satisfied

    def know(self, value: CollectedValue) -> None:
        """Remember a value, and that it is new."""
        self.data_points[value.given.definition_id] = value
        self._values = None
        self.news.append(value.given.definition_id)

    def note_date(self, key: str, kind: DateKind) -> None:
        """Remember when something started or was completed, where the definition asks for it."""
        name = system_date(key, kind)
        if name in self.release.system_dates:
            self.system_dates[name] = self.now
            self._values = None
            self.news.append(name)
