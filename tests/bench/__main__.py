"""Measures what operations cost, and prints it: `make bench`, or `python -m tests.bench journeys idle`.

Nothing is asserted here: figures depend on the machine, so costs stand beside the bare ceiling of the same run.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Final

from tests.bench import (
    care_flow_starts,
    deliveries,
    delivery_backlog,
    delivery_client,
    idle,
    ingress,
    journeys,
    report,
    request_log,
    steady_deliveries,
    timers,
)
from tests.bench.surroundings import running_platform

from carewire_local.platform import Platform

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
    "deliveries": deliveries.run,
    "deliveries-steady": steady_deliveries.run,
    "deliveries-backlog": delivery_backlog.run,
}
"""Without a house, or with one that they build by themselves."""


def main() -> int:
    """Run the chosen parts, all by default, each on a house started afresh."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure what operations cost.")
    known = [*PARTS, *ALONE]
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(known)} (all)")
    for name in parser.parse_args().parts or known:
        if name in ALONE:
            report.title(f"== {name} ==")
            ALONE[name]()
            continue
        report.title(f"== {name}: starting a house of its own ==")
        with running_platform() as platform:
            PARTS[name](platform)
    report.title("Done. Compare figures of one run with each other; another run is another machine's day.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
