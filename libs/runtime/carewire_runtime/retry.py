"""Doing a step again where it stands, when the fault is one that passes."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from carewire_runtime.clock import Clock
from carewire_runtime.errors import CarewireError
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

T = TypeVar("T")

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0

_log = logger("retry")


def is_retriable(error: Exception) -> bool:
    """Say whether an error of ours passes by itself."""
    return isinstance(error, CarewireError) and error.retriable


def pause_after(attempt: int) -> float:
    """Return seconds to wait after the failed attempt of this number, from 1: 0.1, 0.2, 0.4, … 5."""
    return min(_FIRST_PAUSE_S * 2.0 ** min(attempt - 1, 10), _LONGEST_PAUSE_S)


async def retry_in_place(
    step: Callable[[], Awaitable[T]],
    clock: Clock,
    is_retriable: Callable[[Exception], bool] = is_retriable,
    *,
    what: str = "step",
) -> T:
    """Run `step` until it succeeds or fails with an error that is not retriable, which is raised.

    Pauses grow from 0.1 s to 5 s; each is logged under the fixed word `what`. It never gives up by itself.
    """
    attempt = 0
    while True:
        try:
            return await step()
        except Exception as error:
            if not is_retriable(error):
                raise
            attempt += 1
            pause = pause_after(attempt)
            metrics.RETRIES_IN_PLACE.add(what=what)
            _log.warning("retrying", reason=what, attempt=attempt, wait_s=pause, error=error)
        await clock.sleep(pause)
