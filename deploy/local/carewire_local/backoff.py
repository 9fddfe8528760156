"""When a dead service is started again: soon at first, later and later while it keeps dying."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BackOff:
    """The policy of restarts; all durations in seconds.

    The first restart comes after `first_s`, each further one after `factor` times the last pause, never more than
    `longest_s`. A service that lived for `healthy_after_s` is forgiven its earlier deaths.
    """

    first_s: float = 0.2
    factor: float = 2.0
    longest_s: float = 10.0
    healthy_after_s: float = 20.0

    def deaths_in_a_row(self, before: int, lived_s: float) -> int:
        """Return the count of deaths in a row, this one included."""
        return 1 if lived_s >= self.healthy_after_s else before + 1

    def pause_s(self, deaths_in_a_row: int) -> float:
        """Return how long to wait before the restart that follows so many deaths in a row (at least one)."""
        pause = self.first_s
        for _ in range(deaths_in_a_row - 1):
            pause = min(pause * self.factor, self.longest_s)
        return pause
