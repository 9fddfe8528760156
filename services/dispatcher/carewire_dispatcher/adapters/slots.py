"""The slots of a process: tasks that call an endpoint or write for one, so that none keeps another waiting."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

SLOTS: Final = 2000
"""Tasks at a time. A task with its connection is some 50 KB, so 100 MB in all."""
CROWDED: Final = SLOTS // 2
"""From here on endpoints get fewer places, and nothing of the bulk lane is begun."""


class Slots:
    """Runs tasks, and calls `wake` when there is room again. `failed` ends with the first error."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._tasks: set[asyncio.Task[None]] = set()
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    @property
    def free(self) -> int:
        """How many more tasks may be started."""
        return SLOTS - len(self._tasks)

    @property
    def free_for_bulk(self) -> int:
        """How many more may be started of the bulk lane."""
        return max(0, CROWDED - len(self._tasks))

    @property
    def is_crowded(self) -> bool:
        """Whether half of the slots are taken."""
        return len(self._tasks) >= CROWDED

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task. Never refuses: whoever starts many looks at what is free first."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def drain(self, deadline_s: float) -> None:
        """Give tasks some time to end, then cancel them."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=deadline_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        taken = len(self._tasks)
        self._tasks.discard(task)
        if taken in (SLOTS, CROWDED):
            self._wake()
        if not task.cancelled() and (error := task.exception()) is not None and not self.failed.done():
            self.failed.set_result(error)
