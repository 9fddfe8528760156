"""Ingress as a process of its own, watched from outside: its answers, its metrics and its memory."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psutil  # type: ignore[import-untyped]

from carewire_ingress.settings import IngressSettings
from carewire_testing.plain_http import NO_AUTHORITIES
from carewire_testing_ingress.running import API_KEY

_READY_WITHIN_S: Final = 30.0
_SAMPLE: Final = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})? (?P<value>\S+)$")


@dataclass(frozen=True, slots=True)
class Served:
    """A running process. `admin` calls its API with the admin key."""

    port: int
    admin: httpx.Client
    _process: subprocess.Popen[bytes]

    @property
    def is_alive(self) -> bool:
        """Whether it still runs, and says that it is ready."""
        return self._process.poll() is None and self.admin.get("/readyz").is_success

    @property
    def memory(self) -> int:
        """Bytes that it holds in memory (RSS)."""
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def total(self, metric: str, label: str = "") -> int:
        """The sum of a counter over all its labels, or over those samples that have a label (`name="value"`)."""
        found = [one for line in self.admin.get("/metrics").text.splitlines() if (one := _SAMPLE.match(line))]
        counted = [one for one in found if one["name"] == f"{metric}_total" and label in (one["labels"] or "")]
        return sum(int(float(one["value"])) for one in counted)


@contextmanager
def served(settings: IngressSettings, port: int, log: Path, **more: str) -> Iterator[Served]:
    """Run all roles until the block ends; `more` are further settings by their variables."""
    given = {
        f"CAREWIRE_{name.upper()}": str(value) for name, value in settings.model_dump().items() if value is not None
    }
    environment = {**os.environ, **given, "CAREWIRE_HTTP_PORT": str(port), **more}
    program = Path(sys.executable).with_name("carewire-ingress")
    base, key = f"http://127.0.0.1:{port}", {"authorization": f"Bearer {API_KEY}"}
    with (
        log.open("wb") as lines,
        subprocess.Popen([program, "serve"], env=environment, stdout=lines, stderr=lines) as process,
        httpx.Client(base_url=base, headers=key, timeout=30, trust_env=False, verify=NO_AUTHORITIES) as admin,
    ):
        try:
            _wait_ready(admin)
            yield Served(port, admin, process)
        finally:
            process.terminate()


def _wait_ready(client: httpx.Client) -> None:
    end = time.monotonic() + _READY_WITHIN_S
    while True:
        try:
            if client.get("/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > end:
            raise AssertionError(f"not ready within {_READY_WITHIN_S} s")
        time.sleep(0.05)
