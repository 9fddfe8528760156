"""The HTTP server as a component: uvicorn on httptools, without its logging and its signal handlers."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import uvicorn

from carewire_runtime.errors import ConfigurationError
from carewire_runtime.http.direct import DirectProtocol
from carewire_runtime.http.exchange import Route
from carewire_runtime.http.guarding import GuardedProtocol, HeadLimits
from carewire_runtime.telemetry.logs import logger

_KEEP_ALIVE_S: Final = 65
"""Longer than the 60 s of usual load balancers, so that it is they who close an idle connection."""
_STOP_DEADLINE_S: Final = 10
_BACKLOG: Final = 2048
_TICK_S: Final = 1.0
"""How often the Date header is set, which counts seconds, and slow connections are looked for."""

_log = logger("http")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, stopping: asyncio.Task[bool]) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def main_loop(self) -> None:
        """Serve until asked to stop. uvicorn's own loop asks ten times a second, which an idle process would feel."""
        while not self._stopping.done():
            await self.on_tick(0)
            self._check_pace()
            await asyncio.wait([self._stopping], timeout=_TICK_S)

    def _check_pace(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self.server_state.connections):
            if isinstance(connection, GuardedProtocol):
                connection.check_pace(now)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield


class HttpServer:
    """Serves an ASGI app until it is stopped; requests under way are finished within 10 s.

    What `route` is for, it answers itself, without ASGI.
    """

    def __init__(
        self, app: Any, host: str, port: int, heads: HeadLimits | None = None, route: Route | None = None
    ) -> None:
        self.name = "http"
        self._host = host
        self._port = port
        self._app = app
        self._heads = heads or HeadLimits()
        self._route = route
        self.started = asyncio.Event()

    @property
    def port(self) -> int:
        """The port that is listened on; differs from the one asked for if that was 0."""
        return self._port

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set. Raises ConfigurationError if the address cannot be listened on."""
        with self._listening() as listener:
            stopping = asyncio.create_task(stop.wait())
            server = _Server(self._config(), stopping)
            serving = asyncio.create_task(server.serve([listener]))
            _log.info("listening", host=self._host, port=self._port)
            self.started.set()
            try:
                await serving
            finally:
                for task in (serving, stopping):
                    task.cancel()
                await asyncio.gather(serving, stopping, return_exceptions=True)

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self._app,
            interface="asgi3",
            loop="none",
            http=_protocol(self._heads, self._route),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_STOP_DEADLINE_S,
        )

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


def _protocol(heads: HeadLimits, route: Route | None) -> Any:
    """What uvicorn calls like the class of a protocol."""
    if route is None:
        return partial(GuardedProtocol, limits=heads)
    return partial(DirectProtocol, limits=heads, route=route)
