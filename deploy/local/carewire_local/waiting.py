"""Waits for another process to have done its part."""

import time
from collections.abc import Callable
from typing import TypeVar

from carewire_local.errors import JourneyStalled, RequestRefused

T = TypeVar("T")

_POLL_S = 0.01


def until(ask: Callable[[], T | None], deadline_s: float, what: str = "the change to be effective") -> T:
    """Ask until the answer is neither None nor a refusal, and return it.

    Raises the last refusal, or JourneyStalled naming `what` was waited for, at the deadline.
    """
    end = time.monotonic() + deadline_s
    while True:
        refusal: RequestRefused | None = None
        try:
            found = ask()
        except RequestRefused as error:
            found, refusal = None, error
        if found is not None:
            return found
        if time.monotonic() > end:
            raise refusal or JourneyStalled(f"waited {deadline_s:g} s for {what}; the log files say more")
        time.sleep(_POLL_S)
