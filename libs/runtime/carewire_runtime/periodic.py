"""What is done over and over for as long as a process lives."""

import asyncio
from collections.abc import Awaitable, Callable

from carewire_runtime.clock import Clock
from carewire_runtime.retry import is_retriable, pause_after
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

_log = logger("periodic")


async def every(
    seconds: float, step: Callable[[], Awaitable[object]], stop: asyncio.Event, clock: Clock, *, what: str
) -> None:
    """Do a step at once, and again so many seconds after each until asked to stop.

    After a fault that passes by itself it is done again sooner, which is logged under the fixed word `what`; any
    other is raised. Whoever asks to stop does not wait for a pause to end.
    """
    failures = 0
    while not stop.is_set():
        try:
            await step()
            failures, pause = 0, seconds
        except Exception as error:
            if not is_retriable(error):
                raise
            failures += 1
            pause = pause_after(failures)
            metrics.RETRIES_IN_PLACE.add(what=what)
            _log.warning("retrying", reason=what, attempt=failures, wait_s=pause, error=error)
        await clock.sleep_unless(stop, pause)
