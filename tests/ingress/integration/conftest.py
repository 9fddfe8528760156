"""One set-up ingress for each module, with a live care flow in its catalogue."""

import asyncio

import pytest

from carewire_ingress import app
from carewire_ingress.settings import IngressSettings
from carewire_local.stack import Stack
from carewire_testing_ingress.running import publish_catalogue, settings_for
from carewire_testing_ingress.samples import definition, identifier_system, release


@pytest.fixture(scope="module")
def settings(stack: Stack, database_dsn: str, topic_prefix: str) -> IngressSettings:
    """Settings of an ingress that is set up."""
    chosen = settings_for(stack.kafka_bootstrap, database_dsn, topic_prefix)

    async def prepare() -> None:
        await app.setup(chosen)
        await publish_catalogue(chosen, definition(release()), identifier_system())

    asyncio.run(prepare())
    return chosen
