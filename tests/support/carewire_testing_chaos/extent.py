"""How much of a world a campaign has: who subscribes, and how long what is in vain is tried."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from carewire_testing_chaos.history import Behaviour

FLOOD: Final = "flood"
"""The definition of which a flood is."""


@dataclass(frozen=True)
class Extent:
    """`given_up_after` is the schedule in seconds, before it is scaled, of who never answers."""

    subscribers: Mapping[Behaviour, int]
    definitions: int
    given_up_after: tuple[int, ...]
    retried_after: tuple[int, ...] | None = None
    """The schedule of all others, if it is not the product's own: its last waits are half a minute long."""
    partitions: int = 4
    has_nursery: bool = False
    """Whether processes are born of one that has imported everything, not started each by itself."""
    disables_the_dead: bool = False
    """Whether who never answers is disabled when all is called, so that nobody waits until the last is given up."""
    flood: int = 0
    """How many events of a care flow of nobody else's are told at once, all for who never answers."""

    def names(self) -> dict[str, Behaviour]:
        """Each subscriber's name and behaviour."""
        return {
            f"{behaviour}-{number}": behaviour
            for behaviour, count in self.subscribers.items()
            for number in range(count)
        }


def _doubling(last: int) -> tuple[int, ...]:
    return (0, *(2**number - 2 for number in range(2, last)))


FULL: Final = Extent(
    {Behaviour.HEALTHY: 38, Behaviour.SLOW: 4, Behaviour.FLAPPING: 5, Behaviour.GONE: 2, Behaviour.DEAD: 1},
    definitions=5,
    # Half a minute at the scale of a campaign, which has to wait for its end.
    given_up_after=_doubling(16),
)
"""Fifty subscribers. One never answers: it alone may be disabled for failing."""

SMALL: Final = Extent(
    {Behaviour.HEALTHY: 6, Behaviour.SLOW: 1, Behaviour.FLAPPING: 2, Behaviour.GONE: 1, Behaviour.DEAD: 1},
    definitions=2,
    # Two seconds.
    given_up_after=_doubling(12),
    # A day as well, but none waits for more than four seconds.
    retried_after=(*_doubling(12), *range(4_000, 72_001, 4_000), 86_400),
    partitions=2,
    has_nursery=True,
    disables_the_dead=True,
)
"""As many as it takes for each kind to be there."""
