import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from carewire_dispatcher.app import setup
from carewire_dispatcher.settings import DispatcherSettings
from carewire_local.stack import Stack
from carewire_runtime.auth import ApiKeys, Role
from carewire_runtime.postgres.migrations import migrate
from carewire_runtime.postgres.pool import Database
from carewire_testing.beside import Beside, beside
from carewire_testing_dispatcher.receiver import Receiver, receiver
from carewire_testing_dispatcher.service import Client, in_process, settings_for


@pytest.fixture(scope="module")
def settings(stack: Stack, database_dsn: str, topic_prefix: str) -> DispatcherSettings:
    """Settings of this module's dispatcher, set up."""
    made = settings_for(stack.kafka_bootstrap, database_dsn, topic_prefix)
    asyncio.run(setup(made))
    return made


@pytest.fixture(scope="module")
def migrated(database_dsn: str) -> str:
    """This module's database with the dispatcher's tables, for tests that need no Kafka."""

    async def prepare() -> None:
        async with _database(database_dsn) as db:
            await migrate(db, "carewire_dispatcher")

    asyncio.run(prepare())
    return database_dsn


@pytest.fixture(scope="module")
def keys(migrated: str) -> dict[Role, str]:
    """A key of each role."""

    async def prepare() -> dict[Role, str]:
        async with _database(migrated) as db:
            return {role: await ApiKeys(db).create(str(role), role) for role in Role}

    return asyncio.run(prepare())


@asynccontextmanager
async def _database(dsn: str) -> AsyncIterator[Database]:
    db = Database(dsn, "dispatcher")
    await db.start()
    try:
        yield db
    finally:
        await db.stop()


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


@pytest.fixture(scope="module")
def served(settings: DispatcherSettings) -> Iterator[Beside[None]]:
    """All roles, in this process, for a whole module: to start them takes longer than most tests."""
    with beside(in_process(settings)) as running:
        yield running


@pytest.fixture
async def dispatcher(served: Beside[None], client: Client) -> AsyncIterator[Client]:
    """All roles, ready, and without endpoints."""
    with served.heard():
        await client.ready()
        yield client
        await client.delete_endpoints()


@pytest.fixture
async def own_dispatcher(settings: DispatcherSettings, client: Client) -> AsyncIterator[Client]:
    """All roles for one test alone, where others of its module run some of them by themselves."""
    async with in_process(settings):
        await client.ready()
        yield client
        await client.delete_endpoints()
