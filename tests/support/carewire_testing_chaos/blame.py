"""Which faults may be blamed for what: a repeat is lawful only where something was struck that can cause it.

The windows are those of the design: a part that is struck repeats what was under way or not yet committed, half a
second at most, and takes a while to be itself again.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from carewire_testing_chaos.history import Struck
from carewire_testing_chaos.schedule import SERVERS, SERVICES, Action

BEFORE_S: Final = 2.0
"""What was done so long before a fault may not be committed: commits come each half second, and take a moment."""
AFTER_S: Final = 20.0
"""How long a server or a line that was struck may be felt: sessions end after 6 s, clients give up, processes die."""
AFTER_PROCESS_S: Final = 5.0
"""Until a process that was struck has done its last, or is itself again. What others take over from it is older."""


class Part(StrEnum):
    """What repeats when it is struck."""

    TELLING = "telling"
    """The orchestrators' relay."""
    DELIVERING = "delivering"
    """Fan-out and workers."""


_SERVICES_OF: Final[dict[Part, frozenset[str]]] = {
    Part.TELLING: frozenset({"orchestrator", "orchestrator-1", "orchestrator-2"}),
    Part.DELIVERING: frozenset({"dispatcher", "fan-out", "worker-1", "worker-2"}),
}
_SERVERS_OF: Final[dict[Part, frozenset[str]]] = {
    Part.TELLING: frozenset({*SERVERS, "kafka of orchestrator", "postgres of orchestrator"}),
    # Deliveries need no Postgres.
    Part.DELIVERING: frozenset({"kafka", "kafka of dispatcher"}),
}
_PROCESSES: Final = frozenset({*SERVICES, "ingress", "orchestrator", "dispatcher"})
KNOWN: Final = frozenset({*_PROCESSES, *SERVERS}.union(*_SERVICES_OF.values(), *_SERVERS_OF.values()))


def concerns(target: str, part: Part) -> bool:
    """Whether a fault of a target may make a part repeat."""
    return target in _SERVICES_OF[part] or target in _SERVERS_OF[part]


class Windows:
    """Stretches of time, joined where they overlap."""

    def __init__(self, stretches: Iterable[tuple[float, float]]) -> None:
        self._begins: list[float] = []
        self._ends: list[float] = []
        for begin, end in sorted(stretches):
            if self._ends and begin <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._begins.append(begin)
                self._ends.append(end)

    def __bool__(self) -> bool:
        return bool(self._begins)

    def __contains__(self, moment: float) -> bool:
        place = bisect_right(self._begins, moment) - 1
        return place >= 0 and moment <= self._ends[place]


def windows(faults: Sequence[Struck], part: Part, *, by_its_clocks: bool = False) -> Windows:
    """When faults of a part may be blamed for what it repeats: truly, or as its own clocks tell it.

    A clock that is set makes nobody repeat anything. But who goes by it tells of other moments.
    """
    stretches = [
        (one.began - BEFORE_S, one.ended + (AFTER_PROCESS_S if one.target in _PROCESSES else AFTER_S))
        for one in faults
        if one.action != Action.STEP and concerns(one.target, part)
    ]
    if by_its_clocks:
        wrong_by = {one.by_s for one in faults if one.action == Action.STEP and concerns(one.target, part)}
        stretches += [(begin + by, end + by) for begin, end in stretches for by in wrong_by]
    return Windows(stretches)


def wrong_clocks(faults: Sequence[Struck], part: Part) -> Windows:
    """When clocks of a part were wrong, and all that they told while they were."""
    return Windows(
        (one.began + by - BEFORE_S, one.ended + by + BEFORE_S)
        for one in faults
        if one.action == Action.STEP and concerns(one.target, part)
        for by in (0.0, one.by_s)
    )


def felt(faults: Sequence[Struck], part: Part | None = None) -> Windows:
    """When faults of a part, or of anything, may be felt in how long things take, and in what is not answered."""
    return Windows(
        (one.began - BEFORE_S, one.ended + AFTER_S) for one in faults if part is None or concerns(one.target, part)
    )
