"""The whole management API as `serve` puts it together, without anything behind it: Postgres is away."""

import base64
from contextlib import AsyncExitStack
from functools import cache

from fastapi import FastAPI

from carewire_dispatcher.adapters.openapi import describe
from carewire_dispatcher.app.house import House
from carewire_dispatcher.app.management import add_management
from carewire_dispatcher.app.setting_up import SERVICE
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.auth import ApiKeys, Principal, Role
from carewire_runtime.http.health import Health
from carewire_runtime.http.management import management_app
from carewire_runtime.http.openapi import describe_at_need
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.pool import Database
from carewire_testing.openapi import described_routes


class KnownKeys(ApiKeys):
    """A key is the name of its role."""

    async def authenticate(self, bearer: str) -> Principal | None:
        """Know who calls without looking anywhere."""
        return Principal("1", bearer, Role(bearer)) if bearer in set(Role) else None


@cache
def whole_api() -> FastAPI:
    """The app, put together once: its routes are the same for all tests."""
    settings = DispatcherSettings(encryption_keys=f"k1:{base64.b64encode(bytes(32)).decode()}")
    db = Database("", SERVICE)
    routers = add_management(House(settings, AsyncExitStack()), db, Producer("", "tests"))
    whole = management_app("Carewire dispatcher", Health(), KnownKeys(db), routers)
    describe_at_need(whole, describe)
    return whole


@cache
def routes() -> frozenset[str]:
    """Every route that the API describes, as in `GET /v1/endpoints`."""
    return described_routes(whole_api())
