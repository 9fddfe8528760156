"""Ports for servers that have to be told theirs: reserved until this process ends.

A port that the system chooses may be given to any outgoing connection as soon as it is let go: a server that starts
seconds later finds it taken, and ends.
"""

import atexit
import shutil
import tempfile
from functools import cache
from itertools import count
from pathlib import Path
from typing import Final

from carewire_local.ports import Ports
from carewire_local.state import StateFolder

_numbers: Final = count()


def free_port() -> int:
    """Reserve a port that nobody listens on, and that no outgoing connection is given."""
    return _reserve()


def free_ports_in_a_row(length: int) -> int:
    """Reserve ports that follow each other; returns the first of them."""
    while True:
        first = _reserve()
        if all(_reserve(port) == port for port in range(first + 1, first + length)):
            return first


def _reserve(wanted: int | None = None) -> int:
    """Reserve a port; another one where the wanted one is taken."""
    return _ports().choose(str(next(_numbers)), wanted)


@cache
def _ports() -> Ports:
    folder = Path(tempfile.mkdtemp(prefix="carewire-ports-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Ports(StateFolder(folder))
