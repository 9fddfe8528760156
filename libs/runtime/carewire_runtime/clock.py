"""Time as a port: whoever waits or compares times takes a `Clock`, so that tests need no sleeps.

`now()` may be stepped by an operator or NTP; waits and ages are measured by `monotonic()`.
"""

import asyncio
import heapq
import itertools
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Protocol

# How often run_for lets other tasks run at each deadline. A woken task needs one turn per `await` that it
# passes before it sleeps again; the longest such chain in the code base is well under this.
_TURNS = 50


class Clock(Protocol):
    """What the time is, and how to wait."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        ...

    def epoch_ms(self) -> int:
        """Return the wall-clock time in whole milliseconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; zero or less only lets other tasks run."""
        ...

    async def sleep_unless(self, event: asyncio.Event, seconds: float) -> None:
        """Wait, for no longer than until the event is set: who is asked to stop, or woken, does not sleep on."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        return datetime.now(UTC)

    def epoch_ms(self) -> int:
        """Return the wall-clock time in whole milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000  # a sixth of what it takes by way of `now`

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(max(0.0, seconds))

    async def sleep_unless(self, event: asyncio.Event, seconds: float) -> None:
        """Wait on the event loop, for no longer than until the event is set."""
        # Done over and over by idle processes: by tasks that wait for each other it costs twice as much.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()


class FakeClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Return the start plus all that was advanced."""
        return self._start + timedelta(seconds=self._elapsed)

    def epoch_ms(self) -> int:
        """Return the same in whole milliseconds since the Unix epoch."""
        return int(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        """Return the seconds advanced so far."""
        return self._elapsed

    @property
    def sleepers(self) -> int:
        """How many tasks are waiting."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been advanced by `seconds`."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), future))
        await future

    async def sleep_unless(self, event: asyncio.Event, seconds: float) -> None:
        """Wait until the clock has been advanced by `seconds`, or the event is set."""
        setting = asyncio.create_task(event.wait())
        sleeping = asyncio.create_task(self.sleep(seconds))
        try:
            await asyncio.wait({setting, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            setting.cancel()
            sleeping.cancel()
            await asyncio.gather(setting, sleeping, return_exceptions=True)

    def advance(self, seconds: float) -> None:
        """Jump forward at once and wake all whose time has come; they run when the caller next awaits."""
        self._elapsed += seconds
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)

    async def run_for(self, seconds: float) -> None:
        """Go forward deadline by deadline, letting the woken tasks run (and sleep again) at each."""
        await self._let_others_run()
        end = self._elapsed + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            self.advance(self._sleepers[0][0] - self._elapsed)
            await self._let_others_run()
        self.advance(end - self._elapsed)
        await self._let_others_run()

    async def _let_others_run(self) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def step_wall_clock(self, seconds: float) -> None:
        """Move the wall clock alone, as an operator or NTP would; `monotonic` doesn't notice."""
        self._start += timedelta(seconds=seconds)
