"""What of one partition is finished, when work on it ends out of order.

An offset commit is a high-water mark: everything below it counts as done. With many records under way the
mark is the first unfinished one; what is finished above it travels as a bitmap in the commit's metadata, so
that a restart repeats only what was truly unfinished. All is plain state: no I/O, no clock.
"""

import base64
import binascii
from collections import deque
from typing import Final

WINDOW: Final = 2000
"""Offsets that may lie between the first unfinished record and the newest: 2,000 bits are 250 bytes, 334
characters of base64, where Kafka allows 4,096 of metadata (offset.metadata.max.bytes)."""

_FORMAT: Final = "1:"


class OffsetTracker:
    """Tracks one partition. Records are started in the order of their offsets, and finished in any."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._watermark: int | None = None
        self._next = 0
        self._unfinished: deque[int] = deque()
        self._finished: set[int] = set()

    def start(self, offset: int) -> bool:
        """Note that a record was taken. Returns False if it is finished already and must not be done again.

        Raises ValueError for an offset that is not beyond the last one started.
        """
        if offset < self._next and self._watermark is not None:
            raise ValueError("records of a partition are started in the order of their offsets")
        if self._watermark is None:
            self._watermark = offset
        self._next = offset + 1
        self._unfinished.append(offset)
        if offset in self._finished:
            self._advance()
            return False
        return True

    def finish(self, offset: int) -> None:
        """Note that nothing more is to be done for a record."""
        self._finished.add(offset)
        self._advance()

    def _advance(self) -> None:
        while self._unfinished and self._unfinished[0] in self._finished:
            self._finished.discard(self._unfinished.popleft())
        if self._unfinished:
            self._watermark = self._unfinished[0]
        elif self._watermark is not None:
            self._watermark = max(self._watermark, self._next)

    @property
    def span(self) -> int:
        """How far the newest record that was started is ahead of the first unfinished one."""
        return 0 if self._watermark is None else self._next - self._watermark

    @property
    def full(self) -> bool:
        """Whether no further record may be started until an older one is finished."""
        return self.span >= self._window

    def position(self) -> tuple[int, str] | None:
        """Return the offset to commit and its metadata; None while nothing was started or restored."""
        if self._watermark is None:
            return None
        bits = 0
        for offset in self._finished:
            bits |= 1 << (offset - self._watermark)
        if not bits:
            return self._watermark, ""
        packed = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
        return self._watermark, _FORMAT + base64.b64encode(packed).decode()

    def restore(self, offset: int, metadata: str) -> None:
        """Go on from a commit. Metadata that is not ours counts as none: then more is repeated, nothing lost."""
        self._watermark = self._next = offset
        self._unfinished.clear()
        bits = _bits(metadata)
        self._finished = {offset + number for number in range(bits.bit_length()) if bits >> number & 1}


def _bits(metadata: str) -> int:
    if not metadata.startswith(_FORMAT):
        return 0
    try:
        return int.from_bytes(base64.b64decode(metadata.removeprefix(_FORMAT), validate=True), "little")
    except binascii.Error:
        return 0
