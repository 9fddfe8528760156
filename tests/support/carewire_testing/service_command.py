"""Runs the command of a service in this process, as if it had been started by it."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path


def run(arguments: Sequence[str]) -> None:
    """Run a command such as `.venv/bin/carewire-ingress serve`, which ends the process."""
    program = Path(arguments[0]).name
    sys.argv = [program, *arguments[1:]]
    sys.exit(importlib.import_module(f"{program.replace('-', '_')}.app").main())
