"""Ending calls whose time is up, by one timer for all: one of its own would be a good part of what each call costs."""

import asyncio
from typing import Final, Protocol

TICK_S: Final = 0.05
"""How much later than its deadline a call may end."""


class Awaiting(Protocol):
    """Something that waits, until its time is up."""

    def time_is_up(self) -> None:
        """End the wait."""
        ...


class Deadlines:
    """Knows until when each of those waits. To be used inside one event loop."""

    def __init__(self) -> None:
        self._loop: Final = asyncio.get_running_loop()
        self._ending_at: dict[int, set[Awaiting]] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0

    def put(self, waiting: Awaiting, deadline: float) -> int:
        """Note that it waits until `deadline`, a moment of the event loop's clock. Returns by what to forget it."""
        tick = tick_behind(deadline)
        ending = self._ending_at.get(tick)
        if ending is None:
            ending = self._ending_at[tick] = set()
            self._watch(tick)
        ending.add(waiting)
        return tick

    def forget(self, waiting: Awaiting, tick: int) -> None:
        """Note that it waits no longer."""
        ending = self._ending_at.get(tick)
        if ending is not None:
            ending.discard(waiting)
            if not ending:
                del self._ending_at[tick]

    def _watch(self, tick: int) -> None:
        if self._alarm is not None:
            if self._alarm_at <= tick:
                return
            self._alarm.cancel()
        self._alarm_at = tick
        self._alarm = self._loop.call_at(tick * TICK_S, self._end)

    def _end(self) -> None:
        self._alarm = None
        # The loop may wake a clock tick early; what it woke for is over nevertheless.
        now = max(self._alarm_at, int(self._loop.time() / TICK_S))
        for tick in [tick for tick in self._ending_at if tick <= now]:
            for waiting in self._ending_at.pop(tick):
                waiting.time_is_up()
        if self._ending_at:
            self._watch(min(self._ending_at))


def tick_behind(moment: float) -> int:
    """Number the first tick behind a moment."""
    return int(moment / TICK_S) + 1
