"""Shows what is going on while something takes longer than a second."""

import time
from collections.abc import Callable

Report = Callable[[str], None]


def say(text: str) -> None:
    """Print one line at once, also when the output is a pipe."""
    print(text, flush=True)


def silent(text: str) -> None:
    """Swallow a report: for callers that have their own way of telling."""


class Counter:
    """Counts finished files and reports at most once every `interval` seconds, and at the end."""

    def __init__(self, report: Report, what: str, total: int, interval: float = 1.0) -> None:
        self._report = report
        self._what = what
        self._total = total
        self._interval = interval
        self._done = 0
        self._bytes = 0
        self._last = time.monotonic()

    def advance(self, size: int) -> None:
        """Count one finished file of `size` bytes."""
        self._done += 1
        self._bytes += size
        now = time.monotonic()
        if now - self._last >= self._interval or self._done == self._total:
            self._last = now
            self._report(f"{self._what} {self._done} of {self._total} files, {self._bytes / 1e6:.0f} MB")
