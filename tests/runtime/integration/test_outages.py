"""What the runtime does while Kafka or Postgres is killed and comes back."""

import asyncio

import pytest

from carewire_contracts.topics import Topic
from carewire_local.kafka_server import KafkaServer
from carewire_local.stack import Stack
from carewire_runtime.errors import KafkaError
from carewire_runtime.kafka.admin import ensure_topics
from carewire_runtime.kafka.batch import BatchConsumer, Record
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.kafka.table import CompactedTable
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.migrations import migrate
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.relay import Relay
from carewire_testing import eventually
from carewire_testing_runtime.log import logged
from carewire_testing_runtime.running import running

LOG = Topic("log", 2, key="any")
TABLE = Topic("table", 1, key="any", cleanup="compact")


class Seen:
    """A handler that remembers values."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []

    async def __call__(self, records: list[Record]) -> None:
        self.values += [record.value for record in records]


def table_of(stack: Stack) -> CompactedTable[bytes]:
    return CompactedTable(stack.kafka_bootstrap, TABLE.name, lambda _, value: value)


@pytest.fixture
async def kafka(own_stack: Stack) -> KafkaServer:
    """A broker that may be killed, with both topics."""
    if own_stack.kafka is None:
        pytest.skip("the environment's own Kafka is not to be killed")
    await ensure_topics(own_stack.kafka_bootstrap, [LOG, TABLE])
    return own_stack.kafka


async def started_producer(stack: Stack) -> Producer:
    producer = Producer(stack.kafka_bootstrap, "test")
    await producer.start()
    return producer


async def test_all_go_on_after_kafka_was_killed(own_stack: Stack, kafka: KafkaServer) -> None:
    seen, table = Seen(), table_of(own_stack)
    producer = await started_producer(own_stack)

    async def put(sender: Producer, value: bytes) -> None:
        await sender.send(LOG.name, key=b"k", value=value, headers=[])
        await sender.send(TABLE.name, key=b"k", value=value, headers=[])

    async with running(BatchConsumer(own_stack.kafka_bootstrap, [LOG.name], "group", seen)), running(table):
        await put(producer, b"before")
        await eventually(lambda: seen.values == [b"before"] and table.get("k") == b"before", timeout=20)

        await asyncio.to_thread(kafka.kill)
        [waiting] = await producer.enqueue_all([OutboxRecord(LOG.name, b"k", b"meanwhile", [])])
        assert table.get("k") == b"before"
        await asyncio.to_thread(kafka.start)

        # The old producer either delivers or says that it cannot go on.
        [outcome] = await asyncio.wait_for(asyncio.gather(waiting, return_exceptions=True), 40)
        assert isinstance(outcome, KafkaError) == producer.failed.done()
        after = await started_producer(own_stack)
        await put(after, b"after")
        await eventually(lambda: b"after" in seen.values and table.get("k") == b"after", timeout=40)
    await producer.stop()
    await after.stop()


async def test_all_stop_promptly_while_kafka_is_away(own_stack: Stack, kafka: KafkaServer) -> None:
    consumer, table = BatchConsumer(own_stack.kafka_bootstrap, [LOG.name], "group", Seen()), table_of(own_stack)
    producer = await started_producer(own_stack)
    await producer.send(LOG.name, key=b"k", value=b"before", headers=[])
    loop = asyncio.get_running_loop()
    async with running(consumer), running(table):
        await table.ready()
        await eventually(lambda: consumer.not_ready() is None, timeout=20)
        await asyncio.to_thread(kafka.kill)
        began = loop.time()
    assert loop.time() - began < 15

    [waiting] = await producer.enqueue_all([OutboxRecord(LOG.name, b"k", b"never", [])])
    began = loop.time()
    await producer.stop(deadline=1)
    assert loop.time() - began < 15
    outcomes = await asyncio.gather(waiting, return_exceptions=True)
    assert isinstance(outcomes[0], KafkaError)


async def test_the_relay_goes_on_after_postgres_was_killed(own_stack: Stack, kafka: KafkaServer) -> None:
    if own_stack.postgres is None:
        pytest.skip("the environment's own Postgres is not to be killed")
    db = Database(own_stack.postgres_dsn, "relayed")
    await db.start()
    await migrate(db, "carewire_runtime")
    producer = await started_producer(own_stack)

    async def add(value: bytes) -> None:
        async with db.transaction() as connection:
            await outbox.add(connection, [OutboxRecord(LOG.name, b"k", value, [])])

    async def empty() -> bool:
        async with db.connection() as connection:
            return bool(await connection.fetchval("select count(*) = 0 from outbox"))

    with logged() as lines:
        async with running(Relay(db, producer)):
            await add(b"before")
            await eventually(empty)
            await asyncio.to_thread(own_stack.postgres.kill)
            await eventually(lambda: len(lines.of("relay_interrupted")) >= 2)
            await asyncio.to_thread(own_stack.postgres.start)
            await add(b"after")
            await eventually(empty, timeout=20)
    await producer.stop()
    await db.stop()
