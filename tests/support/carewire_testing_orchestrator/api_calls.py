"""Somebody's HTTP API, care flows that call it, and the part that makes the calls, without its loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from carewire_orchestrator.adapters.api_caller import ApiCaller
from carewire_orchestrator.adapters.guarded_calls import GuardedCalls
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.changes import Changes
from carewire_orchestrator.adapters.store.constants import Constants
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.audit import Audit
from carewire_runtime.clock import FakeClock
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.relay import Relay
from carewire_testing_orchestrator.definitions import checklist, designed, point, track

Script = Callable[[int], tuple[int, bytes]]
"""Status and body of the nth answer, from 1."""


class Api:
    """Somebody's HTTP API, and the requests that it got, with their idempotency keys."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.keys: list[str] = []
        self.requests: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one call."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append(head + body.decode())
        self.keys.append(headers["idempotency-key"])
        status, answer = self._script(len(self.keys))
        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(answer), answer))
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def answering(script: Script) -> AsyncIterator[Api]:
    """Serve an API on a port of this machine."""
    api = Api(script)
    async with await asyncio.start_server(api.serve, "127.0.0.1", 0) as server:
        api.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/lab"
        yield api


def calling(url: str, *, changes: Any = (), constants: Any = (), **retries: Any) -> dict[str, Any]:
    """A care flow that calls an API for a data point, while there is something to be done by hand.

    `changes` are those of the call.
    """
    call = {
        "id": "call",
        "title": "Call",
        "type": "api_call",
        "method": "GET",
        "url": url,
        "response": [{"path": "$.lab", "data_point_definition_id": "dp_lab"}],
        **dict(changes),
    }
    settings = {"initial_delay_ms": 1, "max_delay_ms": 1, "max_attempts": 3, **retries}
    return designed(
        track("t", {"a": [call, checklist("rest")]}, [("start", "a")]),
        data_points=[point("dp_lab", category="api_call")],
        settings={"api_call_retry_settings": settings, "constants": constants},
    )


TIMEOUT_S = 5.0


def caller(settings: OrchestratorSettings, db: Database, clock: FakeClock) -> ApiCaller:
    """The part that makes calls, as a process has it; a test decides what still happens."""
    identities, releases = Identities(settings.keyring), Releases()
    changes = Changes(identities, releases, Publishing(settings.topics, settings.tenant_id), timedelta(hours=1))
    calls = GuardedCalls(timeout_s=TIMEOUT_S, allow_http=True, allow_private=True)
    relay = Relay(db, Producer(settings.kafka_bootstrap, "unused"))
    constants = Constants(db, settings.keyring, Audit(clock), clock)
    return ApiCaller(db, changes, constants, calls, relay, clock, timeout_s=TIMEOUT_S, concurrency=4)
