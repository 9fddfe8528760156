"""What a check of a history finds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from carewire_testing_chaos.history import History


@dataclass(frozen=True)
class Found:
    """How many things were looked at, what is wrong with them, and figures for people.

    A check that had nothing to look at has shown nothing, so that it fails as well.
    """

    looked_at: int
    wrong: list[str]
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether what was promised was seen to be so."""
        return self.looked_at > 0 and not self.wrong


@dataclass(frozen=True)
class Check:
    """A promise in words, and how a history is asked whether it was kept."""

    name: str
    promise: str
    ask: Callable[[History], Found]
