"""One time limit for many futures.

Futures with the same limit are due in the order in which they were watched, so one timer, set for the oldest of
them, serves all.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any


class Patience:
    """Fails each future that is not done some seconds after it came, with an exception of its own."""

    def __init__(self, seconds: float, error: Callable[[], Exception]) -> None:
        self._seconds = seconds
        self._error = error
        self._watched: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, future: asyncio.Future[Any]) -> None:
        """Give a future its time, from now on."""
        watched, loop = self._watched, asyncio.get_running_loop()
        # Nearly always the oldest are done by now; forgotten here, they need no callbacks of their own.
        while watched and watched[0][1].done():
            watched.popleft()
        watched.append((loop.time() + self._seconds, future))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._expire, loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        watched, now = self._watched, loop.time()
        while watched and (watched[0][0] <= now or watched[0][1].done()):
            _, future = watched.popleft()
            if not future.done():
                future.set_exception(self._error())
        self._timer = loop.call_at(watched[0][0], self._expire, loop) if watched else None
