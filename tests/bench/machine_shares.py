"""What the machine did meanwhile. Where it had no time left, or its host took it away, latencies tell of that."""

from typing import Any

import psutil  # type: ignore[import-untyped]


class MachineShares:
    """How much of a machine's time was left since this was made, and how much its host gave to other machines."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    def __str__(self) -> str:
        now = psutil.cpu_times()
        # The time of guests is part of the user's time.
        counted = [name for name in now._fields if not name.startswith("guest")]
        spent = {name: getattr(now, name) - getattr(self._before, name) for name in counted}
        return f"{_share(spent, 'idle', 'iowait')} left, {_share(spent, 'steal')} taken by its host"


def _share(spent: dict[str, Any], *names: str) -> str:
    return f"{sum(spent.get(name, 0.0) for name in names) / max(sum(spent.values()), 1e-9):.0%}"
