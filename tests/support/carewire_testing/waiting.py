"""Waiting for a condition, instead of sleeping and hoping."""

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(
    condition: Callable[[], Coroutine[Any, Any, T]], timeout: float = 30.0, *, pause: float = 0.02
) -> T: ...


@overload
async def eventually(condition: Callable[[], T], timeout: float = 30.0, *, pause: float = 0.02) -> T: ...


async def eventually(condition: Callable[[], Any], timeout: float = 30.0, *, pause: float = 0.02) -> Any:
    """Call the condition until it returns something true, and return that.

    An AssertionError of the condition counts as "not yet"; after `timeout` seconds it is raised as it is, so the
    failing test shows the last difference. Any other exception is raised at once.

    The timeout only ends what would never come, on a machine as busy as may be: how long something may take is what
    tests that are marked `timed` ask.
    """
    end = time.monotonic() + timeout
    while True:
        error: AssertionError | None = None
        try:
            answer = condition()
            result = await answer if inspect.isawaitable(answer) else answer
            if result:
                return result
        except AssertionError as not_yet:
            error = not_yet
        if time.monotonic() > end:
            raise error or AssertionError(f"not true within {timeout} s: {condition}")
        await asyncio.sleep(pause)
