"""What the services cost while nothing happens; CAREWIRE_BENCH_IDLE_S=300 watches for five minutes."""

import os
import time

from tests.bench import report
from tests.bench.process_cpu import CpuMeter
from tests.bench.surroundings import processes

from carewire_local.platform import Platform

IDLE_S = float(os.environ.get("CAREWIRE_BENCH_IDLE_S", "60"))
_SETTLE_S = 5.0
"""Until what happens once after a start has happened."""


def run(platform: Platform) -> None:
    """Print the share of one core of each part."""
    time.sleep(_SETTLE_S)
    meter = CpuMeter(processes(platform))
    time.sleep(IDLE_S)
    spent = meter.spent()
    report.title(f"Idle for {IDLE_S:.0f} s")
    for name, seconds in spent.items():
        report.line(f"CPU {name}", f"{seconds / IDLE_S * 100:6.2f} % of a core")
    ours = sum(seconds for name, seconds in spent.items() if name not in ("Kafka", "Postgres"))
    report.line("CPU of our services together", f"{ours / IDLE_S * 100:6.2f} % of a core")
