"""The relay: everything committed is published in order, by one process at a time, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from carewire_contracts.topics import Topic
from carewire_local.stack import Stack
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import KafkaUnavailable, ProducerFatal
from carewire_runtime.kafka.batch import Record
from carewire_runtime.kafka.producer import Outgoing, Producer
from carewire_runtime.kafka.records import record_of
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.outbox import OutboxRecord, OutboxRow, encode_headers, unpack
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.relay import Relay
from carewire_testing import eventually
from carewire_testing_runtime.log import logged
from carewire_testing_runtime.running import running


def records(topic: Topic, *values: bytes | None, key: bytes = b"k") -> list[OutboxRecord]:
    return [OutboxRecord(topic.name, key, value, [("ce_id", b"1"), ("h", "ü".encode())]) for value in values]


async def add(db: Database, added: list[OutboxRecord]) -> None:
    async with db.transaction() as connection:
        await outbox.add(connection, added)


async def left(db: Database) -> int:
    async with db.connection() as connection:
        return int(await connection.fetchval("select count(*) from outbox"))


async def published(stack: Stack, topic: Topic) -> list[Record]:
    from aiokafka import AIOKafkaConsumer, TopicPartition

    consumer = AIOKafkaConsumer(bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        ends, found = await consumer.end_offsets(partitions), []
        while any([await consumer.position(part) < ends[part] for part in partitions]):
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                found += [record_of(raw) for raw in batch]
        return found
    finally:
        await consumer.stop()


async def test_what_was_committed_is_published_as_it_is_and_deleted(
    stack: Stack, db: Database, topic: Topic, producer: Producer
) -> None:
    relay = Relay(db, producer)
    async with running(relay):
        await add(db, records(topic, b"\xff\x00", None))
        relay.wake()

        async def empty() -> bool:
            return await left(db) == 0

        await eventually(empty)
    first, second = await published(stack, topic)
    assert (first.key, first.value, second.value) == (b"k", b"\xff\x00", None)
    assert first.headers[1] == ("h", "ü".encode())


class Watched(Relay):
    """Counts what it has to read, as it is told of rows in memory."""

    def __init__(self, db: Database, producer: Producer) -> None:
        super().__init__(db, producer)
        self.read: list[int] = []

    async def _publish(self, connection: Connection) -> int:
        self.read.append(len(self._at_hand))
        return await super()._publish(connection)


async def test_rows_that_were_just_committed_are_published_from_memory_in_the_order_of_the_outbox(
    stack: Stack, db: Database, topic: Topic, producer: Producer
) -> None:
    relay = Watched(db, producer)
    async with running(relay):
        await eventually(lambda: relay._leader)
        async with db.transaction() as connection:
            first = await outbox.add(connection, records(topic, b"1"))
            unheard_of = await outbox.add(connection, records(topic, b"2", None))
            last = await outbox.add(connection, records(topic, b"3", b"4"))
        assert len(unheard_of) == 1
        relay.wake([*last, *first])

        async def empty() -> bool:
            return await left(db) == 0

        await eventually(empty)
        assert max(relay.read) == 2
        assert not relay._at_hand
    assert [record.value for record in await published(stack, topic)] == [b"1", b"2", None, b"3", b"4"]


async def test_rows_that_never_come_do_not_fill_the_memory(db: Database, topic: Topic, producer: Producer) -> None:
    relay = Relay(db, producer)
    relay.wake([OutboxRow("nobody leads", records(topic, b"1"))])
    assert not relay._at_hand
    async with running(relay):
        await eventually(lambda: relay._leader)
        for number in range(100):
            relay.wake([OutboxRow(f"rolled back {number}", records(topic, b"1"))])
        assert len(relay._at_hand) == 32
    assert not relay._at_hand


async def test_what_was_rolled_back_is_not_published(stack: Stack, db: Database, topic: Topic) -> None:
    async def add_and_fail() -> None:
        async with db.transaction() as connection:
            await outbox.add(connection, records(topic, b"1"))
            raise LookupError

    with pytest.raises(LookupError):
        await add_and_fail()
    await add(db, [])
    assert await left(db) == 0


async def test_order_is_kept_over_many_batches(stack: Stack, db: Database, topic: Topic, producer: Producer) -> None:
    await add(db, records(topic, *(b"%d" % number for number in range(250))))
    async with running(Relay(db, producer, batch=40)):

        async def empty() -> bool:
            return await left(db) == 0

        await eventually(empty)
    assert [record.value for record in await published(stack, topic)] == [b"%d" % number for number in range(250)]


async def test_without_waking_records_are_found_by_the_look_of_each_second(
    stack: Stack, db: Database, topic: Topic, producer: Producer
) -> None:
    clock = FakeClock()
    relay = Relay(db, producer, clock=clock)
    async with running(relay):
        await eventually(lambda: clock.sleepers == 1)
        await add(db, records(topic, b"1"))
        clock.advance(1)
        await eventually(lambda: bool(relay._published))
    assert [record.value for record in await published(stack, topic)] == [b"1"]
    assert await left(db) == 0


@pytest.fixture
async def other(db: Database, database_dsn: str) -> AsyncIterator[Database]:
    """The same schema, as another process reaches it."""
    other = Database(database_dsn, db.schema)
    await other.start()
    yield other
    await other.stop()


@asynccontextmanager
async def publishing_and_beside_it(
    db: Database, other: Database, producer: Producer
) -> AsyncIterator[tuple[Relay, Relay, FakeClock]]:
    """A relay that publishes and one that does not, both at rest: no look comes as long as the clock stands still."""
    clock = FakeClock()
    publishing, beside = Relay(db, producer, clock=clock), Relay(other, producer, clock=clock)
    async with running(publishing):
        await eventually(lambda: clock.sleepers == 1)
        async with running(beside):
            await eventually(lambda: clock.sleepers == 2)
            assert (publishing._leader, beside._leader) == (True, False)
            yield publishing, beside, clock


async def test_what_another_process_commits_is_published_at_once(
    stack: Stack, db: Database, other: Database, topic: Topic, producer: Producer
) -> None:
    async with publishing_and_beside_it(db, other, producer) as (publishing, beside, _):
        seen: list[list[int]] = [[]]
        for value in (b"1", b"2"):
            await add(other, records(topic, value))
            beside.wake()
            await eventually(lambda: publishing._published not in seen)
            seen.append(publishing._published)
    assert [record.value for record in await published(stack, topic)] == [b"1", b"2"]


async def test_what_another_process_commits_in_its_last_moment_is_found_by_looking(
    stack: Stack, db: Database, other: Database, topic: Topic, producer: Producer
) -> None:
    async with publishing_and_beside_it(db, other, producer) as (publishing, _, clock):
        await add(other, records(topic, b"1"))
        clock.advance(1)
        await eventually(lambda: bool(publishing._published))
    assert [record.value for record in await published(stack, topic)] == [b"1"]


async def test_a_position_committed_late_is_published_all_the_same(
    stack: Stack, db: Database, topic: Topic, producer: Producer
) -> None:
    async with running(Relay(db, producer)):
        async with db.transaction() as slow:
            await outbox.add(slow, records(topic, b"slow"))
            await add(db, records(topic, b"fast"))

            async def fast_is_out() -> bool:
                return [record.value for record in await published(stack, topic)] == [b"fast"]

            await eventually(fast_is_out)

        async def empty() -> bool:
            return await left(db) == 0

        await eventually(empty)
    assert [record.value for record in await published(stack, topic)] == [b"fast", b"slow"]


async def test_only_one_publishes_and_another_takes_over(
    stack: Stack, db: Database, other: Database, topic: Topic, producer: Producer
) -> None:
    first, second = Relay(db, producer), Relay(other, producer)
    async with running(second):
        async with running(first):
            await eventually(lambda: first._leader or second._leader)
            await add(db, records(topic, *(b"%d" % number for number in range(50))))

            async def empty() -> bool:
                return await left(db) == 0

            await eventually(empty)
            assert first._leader != second._leader
        await eventually(lambda: second._leader)
        await add(db, records(topic, b"after"))
        await eventually(empty)
    assert len(await published(stack, topic)) == 51


async def lose_connection_of_publisher(db: Database) -> None:
    """End the connection that holds the relay's lock, and wait until it has ended."""
    async with db.connection() as connection:
        ended = await connection.fetch(
            "select pg_terminate_backend(pid, 30000) as ended from pg_locks join pg_database on oid = database "
            "where locktype = 'advisory' and datname = current_database()"
        )
        assert [row["ended"] for row in ended] == [True]


async def test_a_lost_connection_is_replaced(stack: Stack, db: Database, topic: Topic, producer: Producer) -> None:
    clock = FakeClock()
    relay = Relay(db, producer, clock=clock)
    with logged() as lines:
        async with running(relay):
            await eventually(lambda: clock.sleepers == 1)
            await lose_connection_of_publisher(db)
            await add(db, records(topic, b"1"))
            relay.wake()
            await eventually(lambda: bool(lines.of("relay_interrupted")) and clock.sleepers == 1)
            assert not relay._published
            clock.advance(1)
            await eventually(lambda: bool(relay._published))
    assert [line["error"] for line in lines.of("relay_interrupted")] == ["PostgresUnavailable"]
    assert [record.value for record in await published(stack, topic)] == [b"1"]


async def test_whoever_commits_takes_over_from_a_publisher_who_has_lost_its_connection(
    stack: Stack, db: Database, other: Database, topic: Topic, producer: Producer
) -> None:
    with logged() as lines:
        async with publishing_and_beside_it(db, other, producer) as (_, beside, clock):
            await lose_connection_of_publisher(db)
            await add(other, records(topic, b"1"))
            beside.wake()
            await eventually(lambda: bool(beside._published))
            clock.advance(1)
            await eventually(lambda: bool(lines.of("relay_interrupted")))
    assert [record.value for record in await published(stack, topic)] == [b"1"]


class BrokenProducer(Producer):
    """Takes over what the real one would, after some failures."""

    def __init__(self, bootstrap: str, failures: list[Exception]) -> None:
        super().__init__(bootstrap, "test")
        self._failures = failures

    async def enqueue_all(self, records: Sequence[Outgoing]) -> list[asyncio.Future[object]]:
        if self._failures:
            raise self._failures.pop(0)
        return await super().enqueue_all(records)


async def test_while_kafka_is_away_it_tries_again(stack: Stack, db: Database, topic: Topic) -> None:
    producer = BrokenProducer(stack.kafka_bootstrap, [KafkaUnavailable(), KafkaUnavailable()])
    await producer.start()
    await add(db, records(topic, b"1", b"2"))
    async with running(Relay(db, producer)):

        async def empty() -> bool:
            return await left(db) == 0

        await eventually(empty)
    await producer.stop()
    assert [record.value for record in await published(stack, topic)] == [b"1", b"2"]


class PartlyBrokenProducer(Producer):
    """Loses the second record of what it is given first, as a broker does whose one partition has no leader."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap, "test")
        self._broken = True

    async def enqueue_all(self, records: Sequence[Outgoing]) -> list[asyncio.Future[object]]:
        if not self._broken:
            return await super().enqueue_all(records)
        self._broken = False
        lost: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        lost.set_exception(KafkaUnavailable())
        first, third = await super().enqueue_all([records[0], records[2]])
        return [first, lost, third]


async def test_what_was_acknowledged_beside_a_failure_is_not_sent_again(
    stack: Stack, db: Database, topic: Topic
) -> None:
    producer = PartlyBrokenProducer(stack.kafka_bootstrap)
    await producer.start()
    await add(db, records(topic, b"1", b"2", b"3"))
    async with running(Relay(db, producer)):

        async def empty() -> bool:
            return await left(db) == 0

        await eventually(empty)
    await producer.stop()
    assert sorted(record.value or b"" for record in await published(stack, topic)) == [b"1", b"2", b"3"]


async def test_a_fatal_producer_ends_it_and_nothing_is_lost(stack: Stack, db: Database, topic: Topic) -> None:
    producer = BrokenProducer(stack.kafka_bootstrap, [ProducerFatal("test")])
    await producer.start()
    await add(db, records(topic, b"1"))
    with pytest.raises(ProducerFatal):
        await Relay(db, producer).run(asyncio.Event())
    await producer.stop()
    assert await left(db) == 1


async def test_a_record_that_kafka_never_takes_is_kept_aside_and_stops_nobody(
    stack: Stack, db: Database, topic: Topic, producer: Producer
) -> None:
    huge = b"x" * (2 * 1024 * 1024)
    await add(db, records(topic, b"1", huge, b"2"))
    with logged() as lines:
        async with running(Relay(db, producer)):

            async def empty() -> bool:
                return await left(db) == 0

            await eventually(empty)
    assert [record.value for record in await published(stack, topic)] == [b"1", b"2"]
    async with db.connection() as connection:
        (kept,) = await connection.fetch("select * from outbox_set_aside")
    assert (kept["value"], kept["topic"], kept["reason"]) == (huge, topic.name, "record_too_large")
    [line] = lines.of("record_set_aside")
    assert (line["reason"], line["bytes"]) == ("record_too_large", len(huge))


async def test_a_row_that_is_made_by_hand_holds_the_record(db: Database, topic: Topic) -> None:
    """So came the records of earlier versions into their rows, and so is one put back that was set aside."""
    made = [*records(topic, b"\xff\x00", b"", None), OutboxRecord(topic.name, None, b"1", [])]
    async with db.connection() as connection:
        for one in made:
            heads = await connection.fetchval(
                "select heads_of_one($1, $2, $3, $4)", one.topic, one.key, one.value, encode_headers(one.headers)
            )
            assert unpack(heads, one.value or b"") == [one]


async def test_a_record_that_the_broker_refuses_is_kept_aside_as_well(stack: Stack, db: Database, topic: Topic) -> None:
    generous = Producer(stack.kafka_bootstrap, "test", max_request_bytes=8 * 1024 * 1024)
    await generous.start()
    await add(db, records(topic, b"x" * (2 * 1024 * 1024)))
    async with running(Relay(db, generous)):

        async def empty() -> bool:
            return await left(db) == 0

        await eventually(empty)
    await generous.stop()
    async with db.connection() as connection:
        assert await connection.fetchval("select count(*) from outbox_set_aside") == 1
    assert await published(stack, topic) == []
