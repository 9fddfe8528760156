"""The running house that is measured: real servers, the services as processes of their own, and a sample in it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from carewire_local.platform import Platform
from carewire_local.progress import say
from carewire_testing_e2e.care_flows import instant_definition, webhook_of
from carewire_testing_e2e.house import House, visit

PARTITIONS = 12
"""What a deployment has unless it says otherwise."""


@contextmanager
def running_platform(**settings: str) -> Iterator[Platform]:
    """Everything started afresh, as a deployment would have it but for the log level, the place of endpoints, and
    settings by their variables."""
    with TemporaryDirectory(prefix="carewire-bench-") as folder:
        Path(folder).chmod(0o711)
        env = {"CAREWIRE_PARTITIONS": str(PARTITIONS), **settings}
        with Platform(Path(folder) / "state", env=env, report=say) as platform:
            yield platform


@asynccontextmanager
async def instant_care_flow(platform: Platform) -> AsyncIterator[tuple[House, Any]]:
    """A published care flow that completes by itself, and its open webhook."""
    async with visit(platform) as house:
        await house.register_identifier_system()
        definition = instant_definition()
        await house.publish(definition)
        yield house, await house.open_webhook(webhook_of(definition))


def processes(platform: Platform) -> Mapping[str, list[int]]:
    """The pids of each part."""
    services = {process.name: [process.pid] for process in platform.supervisor if process.pid is not None}
    servers = {"Kafka": platform.stack.kafka, "Postgres": platform.stack.postgres}
    return services | {name: [server.pid] for name, server in servers.items() if server and server.pid is not None}


def address_of(url: str) -> tuple[str, int, str]:
    """Host, port and path of a URL."""
    host, _, rest = url.removeprefix("http://").partition(":")
    port, _, path = rest.partition("/")
    return host, int(port), f"/{path}"


def unique_mark() -> str:
    """A prefix that no other run has used for its patients."""
    return secrets.token_hex(4)


async def settle(seconds: float) -> None:
    """Let what was started come to rest, so that it is not measured along."""
    await asyncio.sleep(seconds)
