"""How figures are printed, one line each, with their units; and kept, for the report that is made of them."""

import sys
from collections.abc import Mapping
from typing import Final

from carewire_testing_bench.collector import Collector
from carewire_testing_bench.figures import Figure, Ratio, Section

_COLLECTOR: Final = Collector()


def say(text: str) -> None:
    """Print what is no part of the report."""
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


def title(text: str) -> None:
    """Begin a section of the report."""
    _COLLECTOR.title(text)
    say(text)


def line(label: str, text: str, ratio: Ratio | None = None) -> None:
    """Print one figure; with its ratio, where runs are to be compared by it."""
    _COLLECTOR.figure(Figure(label, text, ratio))
    sys.stdout.write(f"  {label:<34} {text}\n")
    sys.stdout.flush()


def cpu_per(unit: str, spent: Mapping[str, float], count: int) -> None:
    """Print the CPU of each part per `unit`, and the sum."""
    for name, seconds in spent.items():
        line(f"CPU {name}", f"{seconds / count * 1e6:8.0f} us a {unit}")
    line("CPU all together", f"{sum(spent.values()) / count * 1e6:8.0f} us a {unit}")


def printed() -> tuple[Section, ...]:
    """All that was printed since the last time that this was asked."""
    return _COLLECTOR.give_away()


def milliseconds(seconds: float) -> str:
    """A duration for people."""
    return f"{seconds * 1000:.1f} ms"
