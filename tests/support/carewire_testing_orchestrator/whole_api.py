"""The whole API as `serve` puts it together, without anything behind it: Postgres is away."""

import base64
from functools import cache
from typing import Any

from fastapi import FastAPI

from carewire_orchestrator import app
from carewire_orchestrator.adapters.store.joining import JoinedDatabase
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.auth import ApiKeys, Principal, Role
from carewire_runtime.clock import FakeClock
from carewire_runtime.http.server import HttpServer
from carewire_runtime.kafka.producer import Producer
from carewire_testing.openapi import described_routes


class KnownKeys(ApiKeys):
    """A key is the name of its role."""

    async def authenticate(self, bearer: str) -> Principal | None:
        """Know who calls without looking anywhere."""
        return Principal("1", bearer, Role(bearer)) if bearer in set(Role) else None


@cache
def whole_api() -> FastAPI:
    """The app, put together once: its routes are the same for all tests."""
    settings = OrchestratorSettings(encryption_keys=f"k1:{base64.b64encode(bytes(32)).decode()}")
    db = JoinedDatabase("", app.NAME)
    components = app._components(settings, frozenset({app.API}), db, Producer("", "tests"), FakeClock())
    (server,) = (part for part in components if isinstance(part, HttpServer))
    whole: Any = server._app
    assert isinstance(whole, FastAPI)
    whole.state.api_keys = KnownKeys(db)
    return whole


@cache
def routes() -> frozenset[str]:
    """Every route that the API describes, as in `GET /v1/audit`."""
    return described_routes(whole_api())
