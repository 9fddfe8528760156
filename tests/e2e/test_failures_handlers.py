"""A handler that meets a fault which no retry mends: its process dies, comes back, and nothing is lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from carewire_local.platform import Platform
from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Receiver
from carewire_testing_e2e.calling import calling
from carewire_testing_e2e.house import House
from carewire_testing_e2e.outcomes import RECOVERED_WITHIN_S, all_delivered, all_succeed, opened

ENOUGH = 16


@asynccontextmanager
async def missing(platform: Platform, table: str) -> AsyncIterator[None]:
    """Take a table away inside the block, as a careless migration would: Postgres answers, and refuses."""
    connection = await asyncpg.connect(platform.env["CAREWIRE_POSTGRES_DSN"])
    try:
        name = table.rpartition(".")[2]
        await connection.execute(f"ALTER TABLE {table} RENAME TO {name}_away")
        try:
            yield
        finally:
            await connection.execute(f"ALTER TABLE {table}_away RENAME TO {name}")
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("service", "table"),
    [
        ("orchestrator", "orchestrator.start"),
        ("ingress", "ingress.request_status"),
        ("dispatcher", "dispatcher.delivery"),
    ],
)
async def test_a_handler_that_fails_ends_its_process_with_nothing_lost(
    house: House, receiver: Receiver, service: str, table: str
) -> None:
    path = f"/failing-{service}"
    webhook = await opened(house)
    endpoint = await house.subscribe(receiver.url(path), "pathway.completed")
    process = house.platform.supervisor[service]

    async with calling(house, webhook) as callers:
        await eventually(lambda: len(callers.accepted) >= ENOUGH, RECOVERED_WITHIN_S)
        restarts = process.restarts
        async with missing(house.platform, table):
            await eventually(lambda: process.restarts > restarts, RECOVERED_WITHIN_S)
        await eventually(lambda: process.why_not_ready() is None, RECOVERED_WITHIN_S)
        before = len(callers.accepted)
        await eventually(lambda: len(callers.accepted) >= before + ENOUGH, RECOVERED_WITHIN_S)

    assert "StatementFailed" in process.log.read_text()
    care_flows = await all_succeed(house, callers.accepted_ids)
    await all_delivered(house, receiver, endpoint, path, care_flows)
