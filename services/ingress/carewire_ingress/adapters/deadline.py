"""One time limit for many waits.

`asyncio.timeout` makes and cancels a timer for each wait, which costs more than parsing a payload. Waits with the
same limit are due in the order in which they began, so one timer, set for the oldest of them, serves all.
"""

import asyncio
from types import TracebackType
from typing import Any


class Deadline:
    """`with deadline: await ...` raises TimeoutError when that takes more than some seconds.

    One object serves any number of tasks at once, each of them in one such block at a time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[asyncio.Task[Any] | None, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._due[asyncio.current_task(loop)] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._expire, loop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task = asyncio.current_task()
        if self._due.pop(task, None) is not None or task is None:
            return
        # Cancelled by us; where somebody else cancelled as well, theirs goes on.
        if task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from None

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, due in list(self._due.items()):
            if due > now:
                self._timer = loop.call_at(due, self._expire, loop)
                return
            del self._due[task]
            if task is not None:
                task.cancel()
        self._timer = None
