"""When an endpoint is given up: warned of after a day of failing and after two, disabled after three; 410 at once.

Nobody is disabled for failing who was not warned a day before, however few attempts there were to go by.

An endpoint fails from its first failed attempt after the last success on. What is known of that is folded out of the
attempt log, entry by entry, so it doesn't matter who reads the log, how late, or whether a part of it comes twice.
Moments are milliseconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

from carewire_contracts.record import record
from carewire_dispatcher.domain.ending import EndReason
from carewire_dispatcher.domain.log_entry import DeliveryStatus, LogEntry

WARNED_AFTER_S: Final = (86_400, 2 * 86_400)
DISABLED_AFTER_S: Final = 3 * 86_400
"""Three times the 24 hours of a delivery: who can't repair a receiver at the weekend still can on Monday."""
AFTER_WARNING_S: Final = 86_400
"""How long who was warned has at least: somebody has to come to work in between."""
ATTEMPTS_AT_LEAST: Final = 10
"""Failed attempts that it takes. One event, 17 attempts in 24 hours, is enough; a handful of late ones is not."""
STALE_S: Final = 600
"""How late the log may tell of a failure that a warning or disabling follows from. While Postgres is away the log
lags: what it tells afterwards may be over. An endpoint that still fails is tried each nine minutes at least."""


class Outcome(Enum):
    """What an attempt says of its endpoint."""

    DELIVERED = "delivered"
    FAILED = "failed"
    GONE = "gone"
    """It answered 410: nobody listens there any more."""


@record()
class Observation:
    """An attempt as far as its endpoint goes: when it began, when it was over, and what it says.

    `judged_from` says of which time of the endpoint it tells; None where an earlier release told the log.
    """

    started_at: int
    ended_at: int
    outcome: Outcome
    judged_from: int | None = None

    def is_of(self, judged_from: int) -> bool:
        """Whether it tells of an endpoint that was last enabled or moved at a moment.

        A worker may go on with what the endpoint was before until it hears of the change, so its clock says little.
        """
        return (self.started_at if self.judged_from is None else self.judged_from) >= judged_from

    @classmethod
    def of(cls, entry: LogEntry) -> Self | None:
        """Read an entry of the attempt log; None where nobody was called."""
        if entry.tried is None:
            return None
        return cls(entry.tried.started_at, entry.at, _outcome(entry), entry.tried.judged_from)


@record()
class Failing:
    """An endpoint that has been failing `since`: `attempts` in all, the last at `last`; `warnings` were given.

    The first of them was given at `warned_at`, as the attempts tell the time.
    """

    since: int
    last: int
    attempts: int
    warnings: int = 0
    warned_at: int | None = None

    def resumed(self, at: int) -> Self:
        """Leave out the time since the last attempt, in which it was paused: who is not called cannot do better."""
        rested = max(0, at - self.last)
        warned_at = None if self.warned_at is None else self.warned_at + rested
        return type(self)(self.since + rested, self.last + rested, self.attempts, self.warnings, warned_at)


Health = Failing | None
"""None where nothing is known against an endpoint."""


class Notice(Enum):
    """What is to be done about an endpoint, and told of it."""

    WARN = "warn"
    DISABLE_FAILING = "disable_failing"
    DISABLE_GONE = "disable_gone"
    RECOVERED = "recovered"


@record()
class Judged:
    """What is known after an attempt, and what follows from it.

    `about` is the failing that a warning or a recovery speaks of.
    """

    health: Health
    notice: Notice | None = None
    about: Health = None


@dataclass(frozen=True, slots=True)
class FailingPolicy:
    """The patience of one deployment. `time_scale` divides the days; how late the log may be is real time."""

    time_scale: float = 1.0

    def judge_all(self, health: Health, seen: Iterable[Observation], judged_from: int, now: int) -> list[Judged]:
        """Learn from attempts, the earliest first, and return each state that something follows from, and the last.

        Those of a time before `judged_from` say nothing: since then the endpoint was enabled again, or has another URL.
        What comes after it is to be disabled says nothing more.
        """
        judged = [Judged(health)]
        for one in sorted(seen, key=lambda one: one.ended_at):
            if not one.is_of(judged_from):
                continue
            following = self.judge(judged[-1].health, one, now)
            judged = [*(before for before in judged if before.notice is not None), following]
            if following.notice in (Notice.DISABLE_FAILING, Notice.DISABLE_GONE):
                break
        return judged

    def judge(self, health: Health, seen: Observation, now: int) -> Judged:
        """Learn from an attempt, whether the log tells of it for the first time or again."""
        if seen.outcome is Outcome.GONE:
            return Judged(None, Notice.DISABLE_GONE)
        if seen.outcome is Outcome.DELIVERED:
            return _delivered(health, seen)
        return self._decided(_failed(health, seen), now)

    def disables_at(self, failing: Failing) -> int:
        """Say when the endpoint is disabled if it goes on failing."""
        warned_at = failing.last if failing.warned_at is None else failing.warned_at
        return max(failing.since + self._scaled(DISABLED_AFTER_S), warned_at + self._scaled(AFTER_WARNING_S))

    def _decided(self, failing: Failing, now: int) -> Judged:
        if now - failing.last > STALE_S * 1000 or failing.attempts < ATTEMPTS_AT_LEAST:
            return Judged(failing)
        if failing.warned_at is not None and failing.last >= self.disables_at(failing):
            return Judged(None, Notice.DISABLE_FAILING)
        due = sum(failing.last >= failing.since + self._scaled(after) for after in WARNED_AFTER_S)
        if due > failing.warnings:
            first = failing.last if failing.warned_at is None else failing.warned_at
            warned = Failing(failing.since, failing.last, failing.attempts, due, first)
            return Judged(warned, Notice.WARN, warned)
        return Judged(failing)

    def _scaled(self, seconds: int) -> int:
        return round(seconds * 1000 / self.time_scale)


def _delivered(health: Health, seen: Observation) -> Judged:
    if health is None or seen.ended_at < health.since:
        return Judged(health)
    return Judged(None, Notice.RECOVERED, health) if health.warnings else Judged(None)


def _failed(health: Health, seen: Observation) -> Failing:
    if health is None:
        return Failing(seen.ended_at, seen.ended_at, 1)
    if seen.ended_at <= health.last:
        return health
    return Failing(health.since, seen.ended_at, health.attempts + 1, health.warnings, health.warned_at)


def _outcome(entry: LogEntry) -> Outcome:
    if entry.status is DeliveryStatus.DELIVERED:
        return Outcome.DELIVERED
    return Outcome.GONE if entry.reason == EndReason.ENDPOINT_GONE else Outcome.FAILED
