"""The HTTP server as a component: uvicorn on httptools, without its logging and its signal handlers."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn

from carewire_runtime.errors import ConfigurationError
from carewire_runtime.http.gathering import GatheringProtocol
from carewire_runtime.telemetry.logs import logger

_KEEP_ALIVE_S: Final = 65
"""Longer than the 60 s of usual load balancers, so that it is they who close an idle connection."""
_STOP_DEADLINE_S: Final = 10
_BACKLOG: Final = 2048

_log = logger("http")


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield


class HttpServer:
    """Serves an ASGI app until it is stopped; requests under way are finished within 10 s."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        self.name = "http"
        self._host = host
        self._port = port
        self._app = app
        self.started = asyncio.Event()

    @property
    def port(self) -> int:
        """The port that is listened on; differs from the one asked for if that was 0."""
        return self._port

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set. Raises ConfigurationError if the address cannot be listened on."""
        server = _Server(
            uvicorn.Config(
                self._app,
                loop="none",
                http=GatheringProtocol,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_STOP_DEADLINE_S,
            )
        )
        with self._listening() as listener:
            serving = asyncio.create_task(server.serve([listener]))
            stopping = asyncio.create_task(stop.wait())
            _log.info("listening", host=self._host, port=self._port)
            self.started.set()
            try:
                await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
                server.should_exit = True
                await serving
            finally:
                for task in (serving, stopping):
                    task.cancel()
                await asyncio.gather(serving, stopping, return_exceptions=True)

    @contextlib.contextmanager
    def _listening(self) -> Iterator[socket.socket]:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            listener = socket.create_server((self._host, self._port), family=family, backlog=_BACKLOG)
        except OSError:
            raise ConfigurationError(
                f"cannot listen on {self._host} port {self._port}; is it taken? Set CAREWIRE_HTTP_PORT"
            ) from None
        self._port = listener.getsockname()[1]
        with listener:
            yield listener
