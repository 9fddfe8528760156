"""Runs the `setup` of services: each one's schema, topics, first offsets and first API key."""

import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from carewire_local.child import Child, ChildMaker
from carewire_local.errors import SetupFailed
from carewire_local.service_process import Service
from carewire_local.spawner import Command
from carewire_local.state import StateFolder

_DEADLINE_S = 120.0


def set_up(services: Sequence[Service], state: StateFolder, child: ChildMaker = Child) -> None:
    """Run the commands side by side, each with its own log file and as such a child, until all have ended.

    Raises SetupFailed with the last words of each that did not end with 0. Setup is idempotent: run it again.
    """
    with ThreadPoolExecutor(len(services)) as pool:
        ended = pool.map(lambda each: _run(each, state, child(each.name, state)), services)
        failures = [failure for failure in ended if failure]
    if failures:
        raise SetupFailed("\n".join(failures))


def _run(service: Service, state: StateFolder, child: Child) -> str | None:
    """Return None when the command succeeded, else what went wrong."""
    child.start(Command(service.argv, service.env, state.path))
    code = child.wait(_DEADLINE_S)
    child.stop(signal.SIGTERM, 1.0)
    if code == 0:
        return None
    how = f"ended with exit code {code}" if code is not None else f"did not end within {_DEADLINE_S:.0f} s"
    return f"{service.name} {how}. The end of {child.log}:\n{child.last_words()}"
