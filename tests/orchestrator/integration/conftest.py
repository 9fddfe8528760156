"""One orchestrator per test, on the database and the topics of its module."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from carewire_local.stack import Stack
from carewire_orchestrator import app
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_testing_orchestrator.running import Running, running, settings_for


@pytest.fixture(scope="module")
def settings(stack: Stack, database_dsn: str, topic_prefix: str) -> OrchestratorSettings:
    """Settings of this module's orchestrators, set up once."""
    settings = settings_for(stack.kafka_bootstrap, database_dsn, topic_prefix)
    asyncio.run(app.setup(settings))
    return settings


@pytest.fixture
async def orchestrator(settings: OrchestratorSettings) -> AsyncIterator[Running]:
    """A running orchestrator."""
    async with running(settings) as one:
        yield one
