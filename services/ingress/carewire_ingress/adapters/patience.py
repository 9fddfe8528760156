"""One time limit for many waits.

What waits under the same limit is due in the order in which it began to, so one timer, set for the oldest, serves
all. A timer each would cost more than parsing a payload.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Patience(Generic[T]):
    """Gives up, some seconds after it came, each that is not over by then."""

    def __init__(self, seconds: float, is_over: Callable[[T], bool], give_up: Callable[[T], None]) -> None:
        self._seconds = seconds
        self._is_over = is_over
        self._give_up = give_up
        self._watched: deque[tuple[float, T]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, one: T) -> None:
        """Give one its time, from now on."""
        self.forget()
        loop = asyncio.get_running_loop()
        self._watched.append((loop.time() + self._seconds, one))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._expire, loop)

    def forget(self) -> None:
        """Let go of the oldest that are over, and so of all that they hold, as early as it is asked for."""
        watched, is_over = self._watched, self._is_over
        # Nearly always the oldest are over by now; forgotten here, they need to tell nobody.
        while watched and is_over(watched[0][1]):
            watched.popleft()

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        watched, now = self._watched, loop.time()
        while watched and (watched[0][0] <= now or self._is_over(watched[0][1])):
            _, one = watched.popleft()
            if not self._is_over(one):
                self._give_up(one)
        self._timer = loop.call_at(watched[0][0], self._expire, loop) if watched else None
