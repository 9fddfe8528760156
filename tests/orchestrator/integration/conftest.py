"""One orchestrator per test, on the database and the topics of its module."""

from collections.abc import AsyncIterator

import pytest

from carewire_local.stack import Stack
from carewire_orchestrator import app
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_testing_orchestrator.running import Running, running, settings_for


@pytest.fixture
async def settings(stack: Stack, database_dsn: str, topic_prefix: str) -> OrchestratorSettings:
    """Settings of an orchestrator that has been set up."""
    settings = settings_for(stack.kafka_bootstrap, database_dsn, topic_prefix)
    await app.setup(settings)
    return settings


@pytest.fixture
async def orchestrator(settings: OrchestratorSettings) -> AsyncIterator[Running]:
    """A running orchestrator."""
    async with running(settings) as one:
        yield one
