import asyncio
from collections.abc import AsyncIterator

import pytest

from carewire_dispatcher.app import setup
from carewire_dispatcher.settings import DispatcherSettings
from carewire_local.stack import Stack
from carewire_testing_dispatcher.receiver import Receiver, receiver
from carewire_testing_dispatcher.service import Client, in_process, settings_for


@pytest.fixture(scope="module")
def settings(stack: Stack, database_dsn: str, topic_prefix: str) -> DispatcherSettings:
    """Settings of this module's dispatcher, set up."""
    made = settings_for(stack.kafka_bootstrap, database_dsn, topic_prefix)
    asyncio.run(setup(made))
    return made


@pytest.fixture
async def hooks() -> AsyncIterator[Receiver]:
    """A receiver."""
    async with receiver() as served:
        yield served


@pytest.fixture
async def client(settings: DispatcherSettings) -> AsyncIterator[Client]:
    """A client of the dispatcher, without the dispatcher."""
    async with Client(settings) as made:
        yield made


@pytest.fixture
async def dispatcher(settings: DispatcherSettings, client: Client) -> AsyncIterator[Client]:
    """All roles in this process, ready."""
    async with in_process(settings):
        await client.ready()
        yield client
        await client.delete_endpoints()
