"""How many bytes the deliveries at work may have: those that were taken out of the buffers and are not finished yet.

2,000 attempts may be under way, and more deliveries wait in memory for a place or a moment. At 1 KiB each that is
nothing; were each of them as big as Kafka lets records be, it would be gigabytes.
"""

from collections.abc import Callable
from typing import Final

WORK_BYTES: Final = 64 * 1024 * 1024
"""What all of them may have together."""
CROWDED_BYTES: Final = WORK_BYTES // 2
"""From here on endpoints get fewer places, and nothing queues for them: big bodies of a few that hang must not take it
all. 32 endpoints would have to hang with two deliveries of 1 MiB each."""
BIGGEST: Final = 1024 * 1024
"""The biggest record that Kafka takes unless told otherwise. As many are begun as fit if each is as big."""


class ByteBudget:
    """Counts bytes at work, and calls `wake` when there is room again."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._taken = 0

    @property
    def room(self) -> int:
        """How many records may be begun."""
        return max(0, WORK_BYTES - self._taken) // BIGGEST

    @property
    def is_crowded(self) -> bool:
        """Whether half of the bytes are taken."""
        return self._taken >= CROWDED_BYTES

    def take(self, body: bytes) -> None:
        """Count a delivery that is begun."""
        self._taken += len(body)

    def give_back(self, body: bytes) -> None:
        """Count a delivery that is finished."""
        was_crowded = self.is_crowded  # as it is where there is no room, too
        self._taken -= len(body)
        if was_crowded:
            self._wake()
