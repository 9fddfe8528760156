"""Prints the steps of a journey with the time since it began."""

import time

from carewire_local.progress import say

_LABEL_WIDTH = 22


class Timeline:
    """One journey. `mark` prints a step with its time, `add` a line that belongs to the step before."""

    def __init__(self, title: str) -> None:
        say(f"\n{title}")
        self._began = time.monotonic()

    def mark(self, label: str, text: str) -> None:
        """Print a step and when it was reached."""
        self._print(f"+{(time.monotonic() - self._began) * 1000:.0f} ms", label, text)

    def add(self, label: str, text: str) -> None:
        """Print what else is known of the step before."""
        self._print("", label, text)

    def _print(self, moment: str, label: str, text: str) -> None:
        say(f"  {moment:>9}  {label:<{_LABEL_WIDTH}} {text}")
