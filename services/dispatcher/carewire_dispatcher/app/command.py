"""The dispatcher's command, and the components of the roles that it is told to run."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from carewire_dispatcher.adapters.openapi import describe
from carewire_dispatcher.app.delivering import add_fan_out, add_workers
from carewire_dispatcher.app.house import House
from carewire_dispatcher.app.keeping import add_attempt_log, add_repair
from carewire_dispatcher.app.management import add_management
from carewire_dispatcher.app.setting_up import SERVICE, setup, verify
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.auth import ApiKeys
from carewire_runtime.clock import SystemClock
from carewire_runtime.http.management import management_app
from carewire_runtime.http.openapi import describe_at_need
from carewire_runtime.http.server import HttpServer
from carewire_runtime.process import Component, service_command
from carewire_runtime.retry import retry_in_place

ROLES: Final = ("api", "fan-out", "worker", "attempt-log", "repair")


@asynccontextmanager
async def serve(settings: DispatcherSettings, roles: frozenset[str]) -> AsyncIterator[Sequence[Component]]:
    """Build the components of some roles."""
    await retry_in_place(lambda: verify(settings), SystemClock(), what="verify_setup")
    async with AsyncExitStack() as cleanup:
        yield await components(House(settings, cleanup), roles)


async def components(house: House, roles: frozenset[str]) -> Sequence[Component]:
    """Build the parts of some roles, and the HTTP server that shows their health. Raises ConfigurationError."""
    producer, db = await house.producer(), await house.database()
    if "fan-out" in roles:
        add_fan_out(house, producer)
    if "worker" in roles:
        await add_workers(house)
    if "attempt-log" in roles:
        add_attempt_log(house, db, producer)
    if "repair" in roles:
        add_repair(house, db, producer)
    routers = add_management(house, db, producer) if "api" in roles else []
    app = management_app("Carewire dispatcher", house.health, ApiKeys(db), routers)
    describe_at_need(app, describe)
    house.components.append(HttpServer(app, house.settings.http_host, house.settings.http_port))
    return house.components


def main() -> None:
    """Run the command line."""
    sys.exit(service_command(SERVICE, DispatcherSettings, ROLES, setup=setup, serve=serve))
