"""Measures what operations cost, and prints it: `make bench`, or `python -m tests.bench journeys idle`.

Nothing is asserted here: figures depend on the machine, so costs stand beside the bare ceiling of the same run. What
got worse beside it since the last report is warned of; with `--report`, the parts that were run are written into it.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.bench import (
    care_flow_starts,
    deliveries,
    delivery_backlog,
    delivery_client,
    drained_worker,
    idle,
    ingress,
    journeys,
    report,
    request_log,
    steady_deliveries,
    timers,
)
from tests.bench.machine_shares import MachineShares
from tests.bench.surroundings import running_platform
from tests.bench.this_run import commit, this_machine, today

from carewire_local.platform import Platform
from carewire_testing_bench import kept
from carewire_testing_bench.figures import Part, renewed
from carewire_testing_bench.guard import BEARABLE, Worse, worse

PARTS: Final[dict[str, Callable[[Platform], None]]] = {
    "idle": idle.run,
    "journeys": journeys.run,
    "starts": care_flow_starts.run,
    "timers": timers.run,
    "ingress": ingress.run,
    "request-log": request_log.run,
}
"""Each on a house of its own."""

ALONE: Final[dict[str, Callable[[], None]]] = {
    "delivery-client": delivery_client.run,
    "worker": drained_worker.run,
    "deliveries": deliveries.run,
    "deliveries-steady": steady_deliveries.run,
    "deliveries-backlog": delivery_backlog.run,
}
"""Without a house, or with one that they build by themselves."""

LAST: Final = Path("docs") / "benchmarks.md"
NO_REPORT: Final = 2


def main() -> int:
    """Run the chosen parts, all by default, each on a house started afresh. Returns 2 where no report can be read."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure what operations cost.")
    known = [*PARTS, *ALONE]
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(known)} (all)")
    parser.add_argument("--report", type=Path, help=f"a page that the parts are written into, as {LAST}")
    asked = parser.parse_args()
    unknown = [name for name in asked.parts if name not in known]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(known)}")
    try:
        before = kept.read(asked.report or LAST)
    except kept.NotAReport as error:
        report.say(str(error))
        return NO_REPORT
    now: list[Part] = []
    for name in asked.parts or known:
        now.append(_run(name))
        if asked.report is not None:
            # After each: what a later part fails of does not cost the earlier ones' figures.
            kept.write(asked.report, renewed(before, now))
    _warn(worse(before, tuple(now)))
    report.say("Done. Compare figures of one run with each other; another run is another machine's day.")
    return 0


def _run(name: str) -> Part:
    of, began, shares = commit(), time.monotonic(), MachineShares()
    if name in ALONE:
        report.say(f"== {name} ==")
        ALONE[name]()
    else:
        report.say(f"== {name}: starting a house of its own ==")
        with running_platform() as platform:
            PARTS[name](platform)
    return Part(name, today(), of, time.monotonic() - began, this_machine(), str(shares), report.printed())


def _warn(found: Sequence[Worse]) -> None:
    if found:
        listed = "\n".join(f"  {one}" for one in found)
        report.say(f"WARNING: worse than in the last report by more than {BEARABLE * 100:.0f} %:\n{listed}")


if __name__ == "__main__":
    sys.exit(main())
