"""A real HTTP receiver for tests: it writes down what it gets and answers as it is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import orjson
from aiohttp import web
from standardwebhooks import Webhook


@dataclass(frozen=True)
class Received:
    """One request. `at` is the wall clock in seconds."""

    at: float
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def webhook_id(self) -> str:
        """The header that stays the same at each retry."""
        return self.headers["webhook-id"]

    def verify(self, secret: str) -> None:
        """Verify the signature with the official library; it raises where it is wrong."""
        Webhook(secret).verify(self.body, dict(self.headers))


@dataclass
class Reply:
    """What a receiver answers, and after how many seconds. `hang` never answers at all."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang: bool = False
    body: bytes = b""


REFUSED: Final = Reply(500)

Script = Callable[[Received], Reply]


def always(status: int = 200) -> Script:
    """Answer every request alike."""
    return lambda _: Reply(status)


def failing_first(times: int, reply: Reply = REFUSED, *, every: int = 1) -> Script:
    """Refuse each webhook id, or every third or so, a number of times, then accept it.

    A receiver that refuses more than a third of what it gets is soon left alone.
    """
    seen: dict[str, int] = {}
    refused: set[str] = set()

    def script(received: Received) -> Reply:
        if received.webhook_id not in seen and len(seen) % every == 0:
            refused.add(received.webhook_id)
        seen[received.webhook_id] = seen.get(received.webhook_id, 0) + 1
        return reply if received.webhook_id in refused and seen[received.webhook_id] <= times else Reply()

    return script


class Receiver:
    """The server. Each path has a script of its own; a path without one answers 200."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.base_url = ""
        self._scripts: dict[str, Script] = {}
        self._closing = asyncio.Event()

    def url(self, path: str, script: Script | None = None) -> str:
        """Give a path its script, and return its URL."""
        if script is not None:
            self._scripts[path] = script
        return self.base_url + path

    def at(self, path: str) -> list[Received]:
        """Return what a path received, in order."""
        return [received for received in self.received if received.path == path]

    def events(self, path: str) -> list[object]:
        """Return the parsed bodies that a path received."""
        return [orjson.loads(received.body) for received in self.at(path)]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(time.time(), request.path, headers, body)
        self.received.append(received)
        reply = self._scripts.get(request.path, always())(received)
        if reply.hang:
            await self._closing.wait()
        await asyncio.sleep(reply.delay)
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)

    def release(self) -> None:
        """Let every request that hangs go on."""
        self._closing.set()


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Serve on a free port of loopback."""
    served = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", served._handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    served.base_url = f"http://{host}:{port}"
    try:
        yield served
    finally:
        served.release()
        await runner.cleanup()
