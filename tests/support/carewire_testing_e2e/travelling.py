"""A house whose orchestrator's clock tests can put forward: a week of a care flow passes in no time.

Everything else is as it always is: the process, its timers, and its waits, which are those of the machine.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final
from unittest.mock import patch

from carewire_local.backoff import BackOff
from carewire_local.platform import Platform
from carewire_local.service_process import Service
from carewire_local.stack import Stack
from carewire_orchestrator import app
from carewire_runtime.clock import SystemClock
from carewire_testing_e2e.own_house import own_places

_AHEAD: Final = "CAREWIRE_TESTING_CLOCK_AHEAD"
"""The variable that names the file in which it stands how many seconds the clock is ahead."""


class ForwardClock(SystemClock):
    """The machine's clock, as far ahead as a file says at this moment."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        """Return the wall-clock time of where we have travelled to."""
        return super().now() + timedelta(seconds=float(self._file.read_text()))

    def epoch_ms(self) -> int:
        """Return the same in whole milliseconds since the Unix epoch."""
        return int(self.now().timestamp() * 1000)


class TravellingPlatform(Platform):
    """A platform whose orchestrator looks at such a clock."""

    def __init__(self, folder: Path, *, stack: Stack, env: Mapping[str, str]) -> None:
        self._file = folder / "seconds-ahead"
        self._ahead = timedelta()
        self._put()
        packages = str(Path(__file__).parents[1])
        more = {_AHEAD: str(self._file), "PYTHONPATH": packages}
        super().__init__(folder, stack=stack, env={**env, **more}, backoff=BackOff(first_s=0.1))

    def pass_time(self, **time: float) -> None:
        """Let days, hours or minutes pass."""
        self._ahead += timedelta(**time)
        self._put()

    @property
    def now(self) -> datetime:
        """What the orchestrator's clock says."""
        return ForwardClock(self._file).now()

    def _put(self) -> None:
        # Whole or not at all: the process may be reading.
        written = self._file.with_suffix(".new")
        written.write_text(str(self._ahead.total_seconds()))
        written.replace(self._file)

    def _service(self, name: str, action: str, process_name: str) -> Service:
        service = super()._service(name, action, process_name)
        if name != app.NAME:
            return service
        return replace(service, argv=[sys.executable, "-m", __name__, action])


@contextmanager
def travelling_house(stack: Stack, folder: Path, **settings: str) -> Iterator[TravellingPlatform]:
    """Run such a house on servers, with a database and topics of its own, and further settings by their variables."""
    with own_places(stack, **settings) as env, TravellingPlatform(folder, stack=stack, env=env) as running:
        yield running


def main() -> int:
    """Run the command `carewire-orchestrator` by that clock."""
    with patch.object(app, "SystemClock", partial(ForwardClock, Path(os.environ[_AHEAD]))):
        return app.main()


if __name__ == "__main__":
    sys.exit(main())
