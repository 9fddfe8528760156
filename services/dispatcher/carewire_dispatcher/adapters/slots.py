"""The slots of a process: calls under way, and deliveries that wait for Kafka to have what came of them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from carewire_dispatcher.adapters.sender import Carried

SLOTS: Final = 2000
"""Deliveries at a time. A call with its connection is some 50 KB, so 100 MB in all."""
CROWDED: Final = SLOTS // 2
"""From here on endpoints get fewer places, and nothing of the bulk lane is begun."""
MOVED_AT_ONCE: Final = 100
"""Deliveries that are only written on to another topic: from here on nothing of the bulk lane is begun either. Many are
acknowledged together, and more of them at once would keep attempts from the event loop for many milliseconds."""
MOVED_BESIDE_FAST: Final = 15
"""The same while the fast lane has work. They are written 15 times a second: what is put off of a hanging endpoint's
backlog, 240 a second then, costs this process and Kafka a twentieth of a core. With 30 it was a tenth, and one in
a hundred of others' deliveries came milliseconds later for it."""


class Slots:
    """Counts calls and what is written, runs tasks, and calls `wake` when there is room again.

    `failed` ends with the first error of a task, or of a call.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._calls: set[Carried] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # As one number: each delivery asks for it several times.
        self._taken = 0
        self._moved = 0
        self._emptied: asyncio.Future[None] | None = None
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    @property
    def calls(self) -> int:
        """How many calls are under way."""
        return len(self._calls)

    @property
    def free(self) -> int:
        """How many more may be begun."""
        return SLOTS - self._taken

    def free_for_bulk(self, *, beside_fast: bool) -> int:
        """Say how many more may be begun of the bulk lane, while the fast one has work or not."""
        moved_at_once = MOVED_BESIDE_FAST if beside_fast else MOVED_AT_ONCE
        return max(0, min(CROWDED - self._taken, moved_at_once - self._moved))

    @property
    def is_crowded(self) -> bool:
        """Whether half of the slots are taken."""
        return self._taken >= CROWDED

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task. Never refuses: whoever starts many looks at what is free first."""
        task = asyncio.create_task(work)
        self._taken += 1
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def begin(self, call: Carried) -> None:
        """Count a call that begins."""
        self._taken += 1
        self._calls.add(call)

    def end(self, call: Carried) -> None:
        """Count it no longer: it is over, and what came of it is being written."""
        self._calls.remove(call)
        self._let_go()

    def fail(self, error: BaseException) -> None:
        """Note an error of a call."""
        if not self.failed.done():
            self.failed.set_result(error)

    def take(self, *, moves: bool = False) -> None:
        """Count a delivery that waits for Kafka. `moves` says that it is only written on."""
        self._taken += 1
        self._moved += moves

    def give_back(self, *, moves: bool = False) -> None:
        """Count it no longer: Kafka has it."""
        was_full_of_moves = moves and self._moved in (MOVED_AT_ONCE, MOVED_BESIDE_FAST)
        self._moved -= moves
        self._let_go(is_room_for_bulk=was_full_of_moves)

    async def drain(self, deadline_s: float) -> None:
        """Give everything some time to end, then give the calls up and cancel the tasks."""
        if self._taken:
            self._emptied = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._emptied], timeout=deadline_s)
        for call in self._calls:
            call.give_up()
        self._taken -= len(self._calls)
        self._calls.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._let_go()
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    def _let_go(self, *, is_room_for_bulk: bool = False) -> None:
        """Take one off, and say that there is room where there was none until now."""
        taken = self._taken = self._taken - 1
        if is_room_for_bulk or taken + 1 in (SLOTS, CROWDED):
            self._wake()
        if taken == 0 and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)
