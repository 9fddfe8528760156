"""Whether this process can still believe that its partitions are its own.

A process that was stopped or starved for longer than its group session has lost its partitions without
knowing it: its event loop simply goes on where it was. So a task ticks each second, and whoever is about to
act on a partition asks first.
"""

from typing import Final

from carewire_dispatcher.errors import SessionLost
from carewire_runtime.clock import Clock

_TICK_S: Final = 1.0


class Pulse:
    """Notices gaps of the event loop of more than `trusted_s`. Once lost, it stays lost."""

    def __init__(self, clock: Clock, trusted_s: float) -> None:
        self._clock = clock
        self._trusted_s = trusted_s
        self._last = clock.monotonic()
        self._lost = False

    def check(self) -> None:
        """Raise SessionLost where the loop stood still for so long that the session may be over."""
        if self._lost or self._clock.monotonic() - self._last > self._trusted_s:
            self._lost = True
            raise SessionLost("the worker slept past its session")

    async def run(self) -> None:
        """Tick for ever. Raises SessionLost at the first gap."""
        while True:
            await self._clock.sleep(_TICK_S)
            self.check()
            self._last = self._clock.monotonic()
