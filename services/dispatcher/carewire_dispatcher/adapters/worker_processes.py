"""Several worker processes under one parent: `serve --workers N` uses N cores.

Each is a member of the group of workers like any other, so the partitions are shared out among them; each has its own
producer, tables, and HTTP port with health and metrics. They stop when the parent tells them to, and also when it is
no more: their standard input is a pipe from it, whose end they notice whatever ended it.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Final

from carewire_dispatcher.errors import WorkerProcessEnded
from carewire_runtime.process import STOP_WITH_STDIN
from carewire_runtime.telemetry.logs import logger

COMMAND: Final = (sys.executable, "-m", "carewire_dispatcher", "serve", "--roles", "worker", STOP_WITH_STDIN)

_STOP_DEADLINE_S: Final = 15.0
"""Within what the parent has for its own stop."""
_LOCAL: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  where to ask what listens everywhere

_log = logger("worker-processes")


class WorkerProcesses:
    """A component: so many processes, each on a port of its own after the parent's. One that ends, ends it."""

    name = "worker-processes"

    def __init__(self, count: int, host: str, port: int, command: Sequence[str] = COMMAND) -> None:
        self._host = _LOCAL.get(host, host)
        self._ports = [port + number for number in range(1, count + 1)]
        self._command = command

    async def not_ready(self) -> str | None:
        """Return which processes are not ready, for a readiness check."""
        answers = await asyncio.gather(*(_is_ready(self._host, port) for port in self._ports))
        waited_for = [str(port) for port, is_ready in zip(self._ports, answers, strict=True) if not is_ready]
        return f"not ready yet: the workers on ports {', '.join(waited_for)}" if waited_for else None

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the processes until `stop` is set. Raises WorkerProcessEnded."""
        children: list[asyncio.subprocess.Process] = []
        stopping = asyncio.create_task(stop.wait())
        endings: list[asyncio.Task[int]] = []
        try:
            for port in self._ports:
                await self._start(port, children)
            endings = [asyncio.create_task(child.wait()) for child in children]
            await asyncio.wait([stopping, *endings], return_when=asyncio.FIRST_COMPLETED)
            ended = [child.returncode for child in children if child.returncode is not None]
            if ended and not stopping.done():
                raise WorkerProcessEnded(f"a worker process ended with exit code {ended[0]}")
        finally:
            stopping.cancel()
            await _stop(children, endings)

    async def _start(self, port: int, children: list[asyncio.subprocess.Process]) -> None:
        # A session of its own: Ctrl-C in a terminal reaches the parent alone, which stops them in order.
        child = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            env=os.environ | {"CAREWIRE_HTTP_PORT": str(port), "CAREWIRE_WORKERS": "1"},
            start_new_session=True,
        )
        children.append(child)
        _log.info("worker_started", pid=child.pid, port=port)


async def _stop(children: Sequence[asyncio.subprocess.Process], endings: Sequence[asyncio.Task[int]]) -> None:
    try:
        for child in children:
            if child.returncode is None:
                child.terminate()
        if endings:
            await asyncio.wait(endings, timeout=_STOP_DEADLINE_S)
    finally:
        for child in children:
            if child.returncode is None:
                child.kill()
        await asyncio.gather(*(child.wait() for child in children))
        for ending in endings:
            ending.cancel()


async def _is_ready(host: str, port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nhost: worker\r\nconnection: close\r\n\r\n")
        status_line = await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()
    return status_line.split(b" ")[1:2] == [b"200"]
