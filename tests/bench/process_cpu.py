"""CPU seconds of processes and all that they started, and of the machine, by the kernel's own accounting."""

import time
from collections.abc import Iterable, Mapping

import psutil  # type: ignore[import-untyped]


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of processes and all their descendants, the ended ones included."""
    return sum(_of(process) for root in roots for process in _family(root))


def _family(root: int) -> list["psutil.Process"]:
    try:
        process = psutil.Process(root)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _of(process: "psutil.Process") -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


class CpuMeter:
    """CPU spent by named groups of processes since the meter was made."""

    def __init__(self, groups: Mapping[str, Iterable[int]]) -> None:
        self._groups = {name: list(pids) for name, pids in groups.items()}
        self._before = self._read()

    def _read(self) -> dict[str, float]:
        return {name: cpu_seconds(pids) for name, pids in self._groups.items()}

    def spent(self) -> dict[str, float]:
        """Seconds per group."""
        return {name: now - self._before[name] for name, now in self._read().items()}


class MachineMeter:
    """CPU spent by everything on this machine, but for this process, since the meter was made.

    What the host takes from a virtual machine counts as spent too.
    """

    def __init__(self) -> None:
        self._before = self._read()

    def _read(self) -> float:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # The time of guests is part of the user's time.
        counted_twice = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        return float(sum(times) - idle - counted_twice) - time.process_time()

    def busy(self) -> float:
        """Seconds."""
        return self._read() - self._before
