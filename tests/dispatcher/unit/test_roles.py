"""What a process is made of, by the roles that it has. Nothing is started, so nothing has to be there."""

import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from carewire_dispatcher.app.command import ROLES, components
from carewire_dispatcher.app.house import House
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.errors import ConfigurationError
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.pool import Database

PARTS = {
    "api": {"relay", "retention", "table dispatcher.health", "http"},
    "fan-out": {
        "table dispatcher.endpoints",
        "consumer dispatcher-fan-out",
        "consumer dispatcher-status-fan-out",
        "http",
    },
    "worker": {"table dispatcher.endpoints", "table dispatcher.repairs", "table dispatcher.health", "worker", "http"},
    "attempt-log": {"consumer dispatcher-attempt-log", "heartbeats", "http"},
    "repair": {"repair", "http"},
}


class Unstarted(House):
    """A house whose producer and database are never started."""

    async def producer(self, purpose: str = "producer", linger_ms: int = 0, room: int = 0) -> Producer:
        return Producer("localhost:1", purpose, linger_ms=linger_ms, max_request_bytes=1_000_000 - room)

    async def database(self) -> Database:
        return Database("", "dispatcher")


@pytest.fixture
async def cleanup() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def a_house(cleanup: AsyncExitStack, **fields: Any) -> House:
    return Unstarted(
        DispatcherSettings(encryption_keys=f"k1:{base64.b64encode(bytes(32)).decode()}", **fields), cleanup
    )


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_alone_has_what_it_needs_and_nothing_else(cleanup: AsyncExitStack, role: str) -> None:
    parts = await components(a_house(cleanup), frozenset({role}))
    assert sorted(part.name for part in parts) == sorted(PARTS[role])


async def test_roles_of_one_process_share_what_both_need(cleanup: AsyncExitStack) -> None:
    parts = await components(a_house(cleanup), frozenset(ROLES))
    assert sorted(part.name for part in parts) == sorted(set().union(*PARTS.values()))


async def test_several_workers_are_processes_of_their_own_with_tables_of_their_own(cleanup: AsyncExitStack) -> None:
    parts = await components(a_house(cleanup, workers=2), frozenset({"worker"}))
    assert [part.name for part in parts] == ["worker-processes", "http"]


async def test_several_workers_need_a_port_that_theirs_can_follow(cleanup: AsyncExitStack) -> None:
    with pytest.raises(ConfigurationError, match="CAREWIRE_HTTP_PORT"):
        await components(a_house(cleanup, workers=2, http_port=0), frozenset({"worker"}))
