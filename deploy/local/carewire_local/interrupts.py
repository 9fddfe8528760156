"""Lets the first Ctrl-C (or SIGTERM, or a closed terminal) begin an ordered stop, and no later one disturb it."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from carewire_local.progress import Report

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Raises KeyboardInterrupt in the main thread at the first signal only.

    Under `make` and `uv run` one Ctrl-C may arrive twice: once from the terminal, once passed on.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._seen = False

    def install(self) -> None:
        """Handle the signals from now on, except those that the caller ignores (nohup). For the main thread."""
        for each in _SIGNALS:
            if signal.getsignal(each) is not signal.SIG_IGN:
                signal.signal(each, self._handle)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self._seen:
            return
        self._seen = True
        self._report("stopping ...")
        raise KeyboardInterrupt


def leave(code: int) -> NoReturn:
    """End this process now, without waiting for threads that still fetch or start something.

    The servers that they may have begun die with this process.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
