"""A clock that moves only when somebody sleeps by it, or moves it by hand."""

from collections.abc import Callable


class HandTime:
    """Takes the place of the module `time` in a module under test."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.sleeps: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.now += seconds
        self.sleeps.append(seconds)
        self.on_sleep()
