"""When an endpoint that fails is left alone, and how it comes back.

Closed, it is called. Five failures in a row, or half of at least 20 attempts within a minute, open the breaker. Open,
the endpoint is not called until a pause is over; then one attempt goes out as a probe. A probe that fails makes the
next pause twice as long. One that succeeds closes the breaker, and the endpoint gets its places back little by little.
"""

from dataclasses import dataclass
from typing import Final

from carewire_contracts.record import record

FAILURES_IN_A_ROW: Final = 5
WINDOW_S: Final = 60
WINDOW_ATTEMPTS: Final = 20
"""Attempts within a window before the share of failures among them says anything."""
FIRST_PAUSE_S: Final = 4
LONGEST_PAUSE_S: Final = 512
"""4 s doubled seven times: a recovery is noticed within nine minutes, and an endpoint that is dead for good costs 170
calls a day. A single delivery is never kept from its schedule: its own waits grow faster than the pauses."""
SLOW_START_S: Final = 30


@record()
class Breaker:
    """What is known against one endpoint.

    `since` is the moment from which attempts count: open, that of the next probe; closed, that of the closing. What
    began earlier tells of the time before. `pause` is the last pause, 0 once the endpoint has done well for a while.
    `tried` and `failed` count since `window_at`, the first failure of the present window.
    """

    is_open: bool = False
    since: int = 0
    pause: int = 0
    in_a_row: int = 0
    window_at: int = 0
    tried: int = 0
    failed: int = 0


CLOSED: Final = Breaker()
"""The breaker of an endpoint against which nothing is known."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """The breakers of one deployment. `time_scale` divides the window, the pauses and the slow start."""

    time_scale: float = 1.0

    def limit(self, breaker: Breaker, now: int, concurrency: int) -> int:
        """Say how many attempts may be under way: none, the probe, a growing part, or all that the endpoint bears."""
        if breaker.is_open:
            return 0 if self._rests(breaker, now) else 1
        if breaker.pause == 0:
            return concurrency
        back = (now - breaker.since) / self._scaled(SLOW_START_S)
        return concurrency if back >= 1 else max(1, int(concurrency * back))

    def retry_at(self, breaker: Breaker, now: int) -> int:
        """Say when deliveries that an open breaker turned away should come again.

        While the probe is under way that is when the next one would be, should it fail.
        """
        return breaker.since if self._rests(breaker, now) else now + breaker.pause

    def judged(self, breaker: Breaker, started_at: int, ended_at: int, *, delivered: bool) -> Breaker:
        """Learn from an attempt."""
        if started_at < breaker.since:
            return breaker
        if breaker.is_open:
            return Breaker(since=ended_at, pause=breaker.pause) if delivered else self._opened(breaker, ended_at)
        if breaker is CLOSED and delivered:
            return breaker
        breaker = self._remembered(breaker, ended_at)
        return _succeeded(breaker) if delivered else self._failed(breaker, ended_at)

    @staticmethod
    def _rests(breaker: Breaker, now: int) -> bool:
        """Whether its pause is not over yet. One that seems to be far ahead was written by another clock."""
        return breaker.since - breaker.pause <= now < breaker.since

    def _remembered(self, breaker: Breaker, now: int) -> Breaker:
        """Forget what is older than a window, but failures in a row."""
        window = self._scaled(WINDOW_S)
        pause = breaker.pause if now - breaker.since < window else 0
        if now - breaker.window_at < window:
            return Breaker(
                False, breaker.since, pause, breaker.in_a_row, breaker.window_at, breaker.tried, breaker.failed
            )
        return Breaker(False, breaker.since, pause, breaker.in_a_row)

    def _failed(self, breaker: Breaker, now: int) -> Breaker:
        in_a_row, tried, failed = breaker.in_a_row + 1, breaker.tried + 1, breaker.failed + 1
        if in_a_row >= FAILURES_IN_A_ROW or (tried >= WINDOW_ATTEMPTS and 2 * failed >= tried):
            return self._opened(breaker, now)
        window_at = breaker.window_at if breaker.tried else now
        return Breaker(False, breaker.since, breaker.pause, in_a_row, window_at, tried, failed)

    def _opened(self, breaker: Breaker, now: int) -> Breaker:
        pause = min(max(self._scaled(FIRST_PAUSE_S), 2 * breaker.pause), self._scaled(LONGEST_PAUSE_S))
        return Breaker(is_open=True, since=now + pause, pause=pause)

    def _scaled(self, seconds: int) -> int:
        return round(seconds * 1000 / self.time_scale)


def _succeeded(breaker: Breaker) -> Breaker:
    if breaker.tried:
        return Breaker(False, breaker.since, breaker.pause, 0, breaker.window_at, breaker.tried + 1, breaker.failed)
    return CLOSED if breaker.pause == 0 else Breaker(False, breaker.since, breaker.pause)
