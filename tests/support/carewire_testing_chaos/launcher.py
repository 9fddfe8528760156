"""Starts a service with a bug in it, or with a clock that can be stepped.

`python -m carewire_testing_chaos.launcher [--bug BUG] [--clock FILE] SERVICE serve --roles ...`
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from carewire_testing_chaos import clocks
from carewire_testing_chaos.bugs import BUGS, STRUCK_IN


def run(arguments: Sequence[str]) -> None:
    """Change what is to be changed, and run the service's own command line, which ends the process."""
    parser = argparse.ArgumentParser(prog="launcher")
    parser.add_argument("--bug", choices=BUGS)
    parser.add_argument("--clock", type=Path)
    parser.add_argument("service")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    asked = parser.parse_args(arguments)
    if asked.clock is not None:
        clocks.go_by(asked.clock)
    if asked.bug is not None and STRUCK_IN[asked.bug] == asked.service:
        BUGS[asked.bug]()
    sys.argv = [f"carewire-{asked.service}", *asked.rest]
    importlib.import_module(f"carewire_{asked.service}.app").main()


if __name__ == "__main__":
    run(sys.argv[1:])
