"""How figures are printed: one line each, with their units."""

import sys
from collections.abc import Mapping


def title(text: str) -> None:
    """Begin a part of the report."""
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


def line(label: str, text: str) -> None:
    """Print one figure."""
    sys.stdout.write(f"  {label:<34} {text}\n")
    sys.stdout.flush()


def cpu_per(unit: str, spent: Mapping[str, float], count: int) -> None:
    """Print the CPU of each part per `unit`, and the sum."""
    for name, seconds in spent.items():
        line(f"CPU {name}", f"{seconds / count * 1e6:8.0f} us a {unit}")
    line("CPU all together", f"{sum(spent.values()) / count * 1e6:8.0f} us a {unit}")


def milliseconds(seconds: float) -> str:
    """A duration for people."""
    return f"{seconds * 1000:.1f} ms"
