from collections.abc import AsyncIterator

import pytest

from carewire_contracts.topics import Topic
from carewire_local.stack import Stack
from carewire_runtime.kafka.admin import ensure_topics
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.migrations import migrate
from carewire_runtime.postgres.pool import Database


@pytest.fixture
async def topic(stack: Stack, topic_prefix: str, request: pytest.FixtureRequest) -> Topic:
    """A topic of two partitions for one test."""
    topic = Topic(f"{topic_prefix}{abs(hash(request.node.name))}", 2, key="any")
    await ensure_topics(stack.kafka_bootstrap, [topic])
    return topic


@pytest.fixture
async def table_topic(stack: Stack, topic_prefix: str, request: pytest.FixtureRequest) -> Topic:
    """A compacted topic of one partition for one test."""
    topic = Topic(f"{topic_prefix}{abs(hash(request.node.name))}-table", 1, key="any", cleanup="compact")
    await ensure_topics(stack.kafka_bootstrap, [topic])
    return topic


@pytest.fixture
async def producer(stack: Stack) -> AsyncIterator[Producer]:
    producer = Producer(stack.kafka_bootstrap, "test")
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture
async def db(database_dsn: str, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """A schema with the runtime's own tables, for one test."""
    database = Database(database_dsn, f"s{abs(hash(request.node.name))}")
    await database.start()
    await migrate(database, "carewire_runtime")
    yield database
    await database.stop()
