"""One orchestrator per module, on the database and the topics of the module."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from carewire_local.stack import Stack
from carewire_orchestrator import app
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_testing.beside import Beside, beside
from carewire_testing_orchestrator.running import Running, calling, running, serving, settings_for


@pytest.fixture(scope="module")
def settings(stack: Stack, database_dsn: str, topic_prefix: str) -> OrchestratorSettings:
    """Settings of this module's orchestrators, set up once."""
    settings = settings_for(stack.kafka_bootstrap, database_dsn, topic_prefix)
    asyncio.run(app.setup(settings))
    return settings


@pytest.fixture(scope="module")
def served(settings: OrchestratorSettings) -> Iterator[Beside[str]]:
    """The URL of an orchestrator for a whole module: to start it takes longer than most tests."""
    with beside(serving(settings)) as running:
        yield running


@pytest.fixture
async def orchestrator(settings: OrchestratorSettings, served: Beside[str]) -> AsyncIterator[Running]:
    """A running orchestrator."""
    with served.heard() as url:
        async with calling(settings, url) as one:
            yield one


@pytest.fixture
async def own_orchestrator(settings: OrchestratorSettings) -> AsyncIterator[Running]:
    """An orchestrator for one test alone, where others of its module are without an engine."""
    async with running(settings) as one:
        yield one


@pytest.fixture(scope="module")
def served_api(settings: OrchestratorSettings) -> Iterator[Beside[str]]:
    """The URL of an orchestrator without its engine."""
    with beside(serving(settings, frozenset({app.API}))) as running:
        yield running


@pytest.fixture
async def api_only(settings: OrchestratorSettings, served_api: Beside[str]) -> AsyncIterator[Running]:
    """An orchestrator that takes no requests, lets no time pass and calls nobody: tests do that by hand."""
    with served_api.heard() as url:
        async with calling(settings, url) as one:
            yield one
