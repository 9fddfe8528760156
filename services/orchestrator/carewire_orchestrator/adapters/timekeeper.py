"""The timekeeper: says to care flows that their timers are due.

Any number of processes may run one: each takes the timers of care flows that nobody changes at that moment. A timer
that could not be said in time, since everything was down, is late and never lost; after an outage they come in the
order of their moments, no faster than so many a second, so that people and their programs are not flooded.
"""

import asyncio
from typing import Final

from carewire_orchestrator.adapters.store.due_timers import DueTimers
from carewire_runtime.clock import Clock
from carewire_runtime.postgres.relay import Relay
from carewire_runtime.retry import retry_in_place
from carewire_runtime.telemetry import metrics

_BATCH: Final = 100
_LOOK_EVERY_S: Final = 1.0
"""Between two looks at the table where nothing is due. What a look finds is taken at its very moment, so only what was
set since the last one, to a moment before the next one, is late."""

_SOONEST_S: Final = 0.01
"""Before which nothing is looked at again, although its moment is said to be closer: alarms may ring early."""

_LEFT_S: Final = 0.5
"""Until a second try where a timer was due and could not be taken: somebody else changes its care flow right now."""

_TICK_S: Final = 0.2
"""From one take to the next while timers are due: those of that time share their statements, and a fifth of a second is
nothing to anybody who has waited for an hour. A full batch shows that more are waiting: then only the pace counts."""

_LATE_S: Final = 60.0
"""From here on a timer counts as late: nothing but an outage or an overload makes it so."""


class Timekeeper:
    """A component that takes due timers. `per_second` bounds how many are said by this process."""

    name = "timekeeper"

    def __init__(self, due: DueTimers, relay: Relay, clock: Clock, *, per_second: float) -> None:
        self._due = due
        self._relay = relay
        self._clock = clock
        self._per_second = per_second

    async def run(self, stop: asyncio.Event) -> None:
        """Take timers until `stop` is set. Raises errors that do not pass by themselves."""
        while not stop.is_set():
            began = self._clock.monotonic()
            pause = await retry_in_place(self._go_on, self._clock, what="take_timers")
            next_look = began + pause
            await self._clock.sleep_unless(stop, max(0.0, next_look - self._clock.monotonic()))

    async def _go_on(self) -> float:
        """Take what is due; answers seconds from the beginning of this look to that of the next."""
        now, next_at = self._clock.now(), await self._due.next_at()
        if next_at is None:
            return _LOOK_EVERY_S
        if next_at > now:
            return min(_LOOK_EVERY_S, max(_SOONEST_S, (next_at - now).total_seconds()))
        return self._pause_after(await self._take())

    def _pause_after(self, taken: int) -> float:
        if not taken:
            return _LEFT_S
        at_pace = taken / self._per_second
        return at_pace if taken == _BATCH else max(at_pace, _TICK_S)

    async def _take(self) -> int:
        lateness = await self._due.take(self._clock.now(), _BATCH)
        for seconds in lateness:
            metrics.TIMER_LATENESS.record(seconds)
        metrics.TIMERS_FIRED.add(len(lateness))
        metrics.TIMERS_LATE.add(sum(seconds > _LATE_S for seconds in lateness))
        if lateness:
            self._relay.wake()
        return len(lateness)
