"""The slots of a process: tasks that call an endpoint or write for one, so that none keeps another waiting."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

SLOTS: Final = 2000
"""Tasks at a time. A task with its connection is some 50 KB, so 100 MB in all."""
CROWDED: Final = SLOTS // 2
"""From here on endpoints get fewer places, and nothing of the bulk lane is begun."""
MOVED_AT_ONCE: Final = 100
"""Deliveries that are only written on to another topic: from here on nothing of the bulk lane is begun either. Many are
acknowledged together, and more of them at once would keep attempts from the event loop for many milliseconds."""


class Slots:
    """Runs tasks, and calls `wake` when there is room again. `failed` ends with the first error."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._tasks: set[asyncio.Task[None]] = set()
        self._moving: set[asyncio.Task[None]] = set()
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    @property
    def free(self) -> int:
        """How many more tasks may be started."""
        return SLOTS - len(self._tasks)

    @property
    def free_for_bulk(self) -> int:
        """How many more may be started of the bulk lane."""
        return max(0, min(CROWDED - len(self._tasks), MOVED_AT_ONCE - len(self._moving)))

    @property
    def is_crowded(self) -> bool:
        """Whether half of the slots are taken."""
        return len(self._tasks) >= CROWDED

    def start(self, work: Coroutine[Any, Any, None], *, moves: bool = False) -> None:
        """Run a task. Never refuses: whoever starts many looks at what is free first.

        `moves` says that it only writes a delivery on.
        """
        task = asyncio.create_task(work)
        self._tasks.add(task)
        if moves:
            self._moving.add(task)
        task.add_done_callback(self._ended)

    async def drain(self, deadline_s: float) -> None:
        """Give tasks some time to end, then cancel them."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=deadline_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        taken, moving = len(self._tasks), len(self._moving)
        self._tasks.discard(task)
        self._moving.discard(task)
        if taken in (SLOTS, CROWDED) or (moving >= MOVED_AT_ONCE and len(self._moving) < MOVED_AT_ONCE):
            self._wake()
        if not task.cancelled() and (error := task.exception()) is not None and not self.failed.done():
            self.failed.set_result(error)
