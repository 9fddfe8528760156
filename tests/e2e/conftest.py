"""One house for all end-to-end tests: three services as processes of their own, under a supervisor."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from carewire_local.backoff import BackOff
from carewire_local.platform import Platform
from carewire_local.stack import Stack
from carewire_testing.databases import fresh_database
from carewire_testing.topics import fresh_topics
from carewire_testing_dispatcher.receiver import Receiver
from carewire_testing_dispatcher.receiver import receiver as serving
from carewire_testing_e2e.house import House, visit

TIME_SCALE = 10
"""Divides the 24 hours of retries: the first waits are 0.2, 0.4 and 0.8 s."""


@pytest.fixture(scope="session")
def spans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all services write their finished spans."""
    return tmp_path_factory.mktemp("traces") / "spans.jsonl"


@pytest.fixture(scope="session")
def platform(stack: Stack, tmp_path_factory: pytest.TempPathFactory, spans: Path) -> Iterator[Platform]:
    """The running house, on a database and topics of its own."""
    with fresh_database(stack.postgres_dsn) as dsn, fresh_topics(stack.kafka_bootstrap) as prefix:
        env = {
            "CAREWIRE_POSTGRES_DSN": dsn,
            "CAREWIRE_TOPIC_PREFIX": prefix,
            "CAREWIRE_PARTITIONS": "2",
            "CAREWIRE_TIME_SCALE": str(TIME_SCALE),
            "CAREWIRE_TRACE_SAMPLE_RATIO": "1",
            "CAREWIRE_TRACE_EXPORT": f"file:{spans}",
        }
        folder = tmp_path_factory.mktemp("house")
        with Platform(folder, stack=stack, env=env, backoff=BackOff(first_s=0.1)) as running:
            yield running


@pytest.fixture
async def house(platform: Platform) -> AsyncIterator[House]:
    """The house with all its services ready, whatever the test before did to them."""
    platform.supervisor.wait_ready()
    async with visit(platform) as visited:
        await visited.register_identifier_system()
        yield visited


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A subscriber's HTTP server."""
    async with serving() as served:
        yield served
