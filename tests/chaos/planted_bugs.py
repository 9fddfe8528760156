"""Is the campaign any good? `make chaos-planted`: bugs are planted one after the other, and each has to be found.

They are planted as the services start and live in test code alone: see `carewire_testing_chaos.bugs`.
"""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carewire_local.progress import say
from carewire_testing_chaos.campaign import Plan, run
from carewire_testing_chaos.extent import FULL, Extent
from carewire_testing_chaos.history import read
from carewire_testing_chaos.schedule import Action, Fault
from carewire_testing_chaos.verdict import judge, lines

_LEAD_S: Final = 8.0
_BORN: Final = dataclasses.replace(FULL, has_nursery=True)
_FLOODED: Final = dataclasses.replace(_BORN, flood=12_000, disables_the_dead=True)
"""More than a partition has room for behind what waits in it."""


@dataclass(frozen=True)
class Trap:
    """What makes a bug show: calls at this rate, and faults. One of the checks has to fail then."""

    checks: frozenset[str]
    faults: Sequence[Fault] = ()
    rate: float = 8.0
    extent: Extent = _BORN


def _kills(target: str, times: int, pause_s: float) -> list[Fault]:
    return [Fault(number, pause_s, Action.KILL, target) for number in range(times)]


TRAPS: Final = {
    "commit-before-produce": Trap(frozenset({"delivered"}), _kills("fan-out", 3, 6.0)),
    "no-unique-start-key": Trap(frozenset({"outcomes"})),
    # Copies of what is never answered live for half a minute, long after a kill may be blamed for them.
    "no-fork-collapse": Trap(frozenset({"forks"}), [*_kills("worker-1", 2, 9.0), *_kills("worker-2", 2, 9.0)]),
    "identifier-logged": Trap(frozenset({"silent"})),
    "cursor-relay": Trap(frozenset({"outcomes", "sequences"}), rate=16.0),
    # Those who are slow take their time from all others only where there are calls enough.
    "one-at-a-time": Trap(frozenset({"neighbours"}), rate=20.0),
    "bulk-lane-off": Trap(frozenset({"neighbours"}), rate=20.0, extent=_FLOODED),
}


def main() -> int:
    """Plant them. Returns 1 where one was not found."""
    parser = argparse.ArgumentParser(prog="chaos-planted", description="Are planted bugs found?")
    parser.add_argument("bugs", nargs="*", default=list(TRAPS), help=f"some of {', '.join(TRAPS)} (all)")
    asked = parser.parse_args()
    missed = [bug for bug in asked.bugs if not _is_found(bug)]
    say(f"\nNOT FOUND: {', '.join(missed)}" if missed else f"\nFound: {', '.join(asked.bugs)}.")
    return 1 if missed else 0


def _is_found(bug: str) -> bool:
    trap = TRAPS[bug]
    say(f"\nPlanted: {bug}")
    plan = Plan(1, trap.faults, trap.rate, _LEAD_S, bug, trap.extent)
    history = read(run(plan, Path(".carewire") / "chaos" / f"planted-{bug}", say))
    verdict = judge(history)
    for line in lines(history, verdict):
        say(line)
    return bool(trap.checks & verdict.broken)


if __name__ == "__main__":
    sys.exit(main())
