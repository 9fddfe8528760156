"""The example receiver as a process of its own: it verifies with the official library, and tells what came."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from carewire_local.errors import JourneyStalled
from carewire_local.examples import FOLDER, RECEIVER
from carewire_local.spawner import Command, spawn

_PATH = "/carewire-webhooks"
_STOP_DEADLINE_S = 5.0


def receiver_url(port: int) -> str:
    """Where a receiver on this port listens."""
    return f"http://127.0.0.1:{port}{_PATH}"


class SampleReceiver:
    """A running receiver. Use it as a context manager; it dies with this process."""

    def __init__(self, port: int, secret: str) -> None:
        env = {**os.environ, "WEBHOOK_SECRET": secret}
        argv = [sys.executable, str(RECEIVER), "--port", str(port)]
        self._process = spawn(Command(argv, env, FOLDER), subprocess.PIPE)
        self._lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="receiver", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                if line.startswith(b"{"):
                    self._lines.put(json.loads(line))

    def next(self, wanted: Callable[[dict[str, Any]], bool], deadline_s: float, what: str) -> dict[str, Any]:
        """The next thing the receiver tells that is wanted. Raises JourneyStalled naming `what` was waited for."""
        while True:
            try:
                told = self._lines.get(timeout=deadline_s)
            except queue.Empty:
                raise JourneyStalled(f"waited {deadline_s:g} s for {what}; the log files say more") from None
            if wanted(told):
                return told

    def __enter__(self) -> Self:
        self.next(lambda told: "listening" in told, 10.0, "the receiver to listen")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(_STOP_DEADLINE_S)
        self._reader.join(_STOP_DEADLINE_S)
        if self._process.stdout is not None:
            self._process.stdout.close()
