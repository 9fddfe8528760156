import asyncio
import functools

import pytest
from aiokafka import AIOKafkaConsumer

from carewire_contracts.topics import Topic
from carewire_local.stack import Stack
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.kafka.table import CompactedTable
from carewire_testing import eventually
from carewire_testing_runtime.log import logged
from carewire_testing_runtime.running import running


def decode(key: str, value: bytes) -> str:
    return f"{key}={value.decode()}"


def holds(table: CompactedTable[str], key: str, wanted: str | None) -> bool:
    return table.get(key) == wanted


async def put(producer: Producer, topic: Topic, key: str, value: bytes | None) -> None:
    await producer.send(topic.name, key=key.encode(), value=value, headers=[])


async def test_the_table_is_ready_when_it_has_read_all_that_was_there(
    stack: Stack, table_topic: Topic, producer: Producer
) -> None:
    for number in range(50):
        await put(producer, table_topic, f"k{number % 10}", b"%d" % number)
    await put(producer, table_topic, "k0", None)
    table = CompactedTable(stack.kafka_bootstrap, table_topic.name, decode)
    assert table.not_ready() == f"{table_topic.name} is not read to its end yet"
    async with running(table):
        await asyncio.wait_for(table.ready(), 30)
        assert table.not_ready() is None
        assert dict(table.items()) == {f"k{n}": f"k{n}={40 + n}" for n in range(1, 10)}


async def test_an_empty_table_is_ready_too(stack: Stack, table_topic: Topic) -> None:
    table = CompactedTable(stack.kafka_bootstrap, table_topic.name, decode)
    async with running(table):
        await asyncio.wait_for(table.ready(), 30)
        assert len(table) == 0


async def test_a_change_is_effective_at_once(
    stack: Stack, table_topic: Topic, producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever found changes by asking again would find none before the patience of this test is at its end.
    monkeypatch.setattr("carewire_runtime.kafka.table._POLL_MS", 60_000)
    monkeypatch.setattr("carewire_runtime.kafka.table._FETCH_MAX_WAIT_MS", 60_000)
    monkeypatch.setattr("carewire_runtime.kafka.table._REQUEST_TIMEOUT_MS", 90_000)
    table = CompactedTable(stack.kafka_bootstrap, table_topic.name, decode)
    changes: list[tuple[str, str | None]] = []
    table.on_change(lambda key, entry: changes.append((key, entry)))
    async with running(table):
        await asyncio.wait_for(table.ready(), 30)
        for value in (b"1", b"2", None):
            await put(producer, table_topic, "k", value)
            wanted = None if value is None else f"k={value.decode()}"
            await eventually(functools.partial(holds, table, "k", wanted))
        assert changes == [("k", "k=1"), ("k", "k=2"), ("k", None)]


async def test_what_cannot_be_read_is_logged_and_skipped(stack: Stack, table_topic: Topic, producer: Producer) -> None:
    await put(producer, table_topic, "bad", b"canary\xff")
    await producer.send(table_topic.name, key=b"canary\xff", value=b"v", headers=[])
    await put(producer, table_topic, "good", b"1")
    table = CompactedTable(stack.kafka_bootstrap, table_topic.name, decode)
    with logged() as lines:
        async with running(table):
            await asyncio.wait_for(table.ready(), 30)
            assert dict(table.items()) == {"good": "good=1"}
    assert [line["offset"] for line in lines.of("table_record_undecodable")] == [0, 1]
    assert "canary" not in lines.text


async def test_a_missing_topic_is_waited_for(stack: Stack, topic_prefix: str, producer: Producer) -> None:
    from carewire_runtime.kafka.admin import ensure_topics

    topic = Topic(f"{topic_prefix}late", 1, key="any", cleanup="compact")
    table = CompactedTable(stack.kafka_bootstrap, topic.name, decode)
    with logged() as lines:
        async with running(table):
            await eventually(lambda: bool(lines.of("retrying")))
            await ensure_topics(stack.kafka_bootstrap, [topic])
            await put(producer, topic, "k", b"1")
            await eventually(lambda: table.get("k") == "k=1")


async def test_a_consumer_made_anew_forgets_what_vanished(stack: Stack, table_topic: Topic, producer: Producer) -> None:
    await put(producer, table_topic, "stays", b"1")
    table = CompactedTable(stack.kafka_bootstrap, table_topic.name, decode)
    async with running(table):
        await asyncio.wait_for(table.ready(), 30)
    table._entries["vanished"] = "x"
    async with running(table):
        await eventually(lambda: table.get("vanished") is None)
        assert table.get("stays") == "stays=1"


@pytest.mark.parametrize("moment", ["loading", "following"])
async def test_it_stops_when_it_is_asked_to(stack: Stack, table_topic: Topic, moment: str) -> None:
    table = CompactedTable(stack.kafka_bootstrap, table_topic.name, decode)
    async with running(table):
        if moment == "following":
            await asyncio.wait_for(table.ready(), 30)


async def test_a_table_whose_consumer_went_deaf_makes_a_new_one(
    stack: Stack, table_topic: Topic, producer: Producer
) -> None:
    consumers: list[AIOKafkaConsumer] = []
    original = AIOKafkaConsumer.start

    async def start(consumer: AIOKafkaConsumer) -> None:
        consumers.append(consumer)
        await original(consumer)

    table = CompactedTable(stack.kafka_bootstrap, table_topic.name, decode)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AIOKafkaConsumer, "start", start)
        async with running(table):
            await asyncio.wait_for(table.ready(), 30)
            consumers[0]._fetcher._fetch_task.cancel()
            await put(producer, table_topic, "k", b"1")
            await eventually(lambda: table.get("k") == "k=1")
    assert len(consumers) == 2
