"""The batch consumer: what is committed was finished, and what cannot be finished ends the consumer."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiokafka import AIOKafkaConsumer

from carewire_contracts.topics import Topic
from carewire_local.stack import Stack
from carewire_runtime.errors import KafkaUnavailable
from carewire_runtime.kafka.admin import committed
from carewire_runtime.kafka.batch import BatchConsumer, Record
from carewire_runtime.kafka.pace import GATHERING, Pace
from carewire_runtime.kafka.producer import Producer
from carewire_testing import eventually
from carewire_testing_runtime.log import logged
from carewire_testing_runtime.running import running

LONGER_THAN_A_TEST = Pace(min_bytes=1, max_wait_ms=39_000, tick_s=0.0)
"""Less than what the driver waits for any answer."""


class Seen:
    """A handler that remembers."""

    def __init__(self, then: Callable[[list[Record]], Awaitable[None]] | None = None) -> None:
        self.batches: list[list[Record]] = []
        self._then = then

    async def __call__(self, records: list[Record]) -> None:
        self.batches.append(records)
        if self._then is not None:
            await self._then(records)

    @property
    def values(self) -> list[bytes | None]:
        return [record.value for batch in self.batches for record in batch]


async def fill(producer: Producer, topic: Topic, count: int, partition: int = 0) -> None:
    sending = (
        producer.send(topic.name, key=b"k", value=b"%d" % number, headers=[("h", b"\xff")], partition=partition)
        for number in range(count)
    )
    await asyncio.gather(*sending)


def consumer_of(stack: Stack, topic: Topic, seen: Seen, max_records: int = 200) -> BatchConsumer:
    return BatchConsumer(stack.kafka_bootstrap, [topic.name], f"{topic.name}-group", seen, max_records=max_records)


async def commits(stack: Stack, topic: Topic) -> dict[int, int]:
    places = await committed(stack.kafka_bootstrap, f"{topic.name}-group")
    return {partition: offset for (_, partition), (offset, _) in places.items()}


async def test_a_finished_batch_is_committed(stack: Stack, topic: Topic, producer: Producer) -> None:
    await fill(producer, topic, 5)
    seen = Seen()
    async with running(consumer_of(stack, topic, seen)):
        await eventually(lambda: len(seen.values) == 5)

        async def all_committed() -> bool:
            return (await commits(stack, topic)).get(0) == 5

        await eventually(all_committed)
    record = seen.batches[0][0]
    assert (record.topic, record.partition, record.offset, record.key) == (topic.name, 0, 0, b"k")
    assert record.timestamp_ms > 0


async def test_headers_that_are_not_text_reach_the_handler(stack: Stack, topic: Topic, producer: Producer) -> None:
    await fill(producer, topic, 1)
    seen = Seen()
    async with running(consumer_of(stack, topic, seen)):
        await eventually(lambda: seen.values)
    assert seen.batches[0][0].header("h") == b"\xff"
    assert seen.batches[0][0].header("other") is None


async def test_tombstones_reach_the_handler(stack: Stack, topic: Topic, producer: Producer) -> None:
    await producer.send(topic.name, key=b"k", value=None, headers=[])
    seen = Seen()
    async with running(consumer_of(stack, topic, seen)):
        await eventually(lambda: seen.values == [None])


async def test_batches_are_no_larger_than_asked(stack: Stack, topic: Topic, producer: Producer) -> None:
    await fill(producer, topic, 50)
    seen = Seen()
    async with running(consumer_of(stack, topic, seen, max_records=7)):
        await eventually(lambda: len(seen.values) == 50)
    assert max(len(batch) for batch in seen.batches) == 7
    assert seen.values == [b"%d" % number for number in range(50)]


async def test_records_that_come_fast_share_batches_in_their_order_and_a_lone_one_after_them_still_comes(
    stack: Stack, topic: Topic, producer: Producer
) -> None:
    seen, groups = Seen(), 100
    consumer = BatchConsumer(stack.kafka_bootstrap, [topic.name], f"{topic.name}-group", seen, pace=GATHERING)
    async with running(consumer):
        for _ in range(groups):
            await asyncio.gather(fill(producer, topic, 2, partition=0), fill(producer, topic, 2, partition=1))
        await eventually(lambda: len(seen.values) == 4 * groups)
        assert len(seen.batches) < groups
        await producer.send(topic.name, key=b"k", value=b"lone", headers=[], partition=0)
        await eventually(lambda: seen.values[-1] == b"lone")
    records = [record for batch in seen.batches for record in batch]
    for partition, count in ((0, 2 * groups + 1), (1, 2 * groups)):
        assert [record.offset for record in records if record.partition == partition] == list(range(count))


async def test_what_comes_while_a_batch_takes_long_does_not_wait_for_other_partitions(
    stack: Stack, topic: Topic, producer: Producer
) -> None:
    """The driver would go on without the partition whose records wait, and hear of it again when that fetch ends."""

    async def take_long(_records: list[Record]) -> None:
        if len(seen.values) < 3:
            await fill(producer, topic, 1)
            await asyncio.sleep(0.3)

    seen, group = Seen(take_long), f"{topic.name}-group"
    async with running(BatchConsumer(stack.kafka_bootstrap, [topic.name], group, seen, pace=LONGER_THAN_A_TEST)):
        await fill(producer, topic, 1)
        await eventually(lambda: len(seen.values) == 3, timeout=20)


async def test_an_exception_ends_the_consumer_and_nothing_of_its_batch_is_committed(
    stack: Stack, topic: Topic, producer: Producer
) -> None:
    await fill(producer, topic, 20)

    async def fail_at_ten(records: list[Record]) -> None:
        if any(record.offset == 10 for record in records):
            raise RuntimeError("canary")

    seen = Seen(fail_at_ten)
    with logged() as lines, pytest.raises(RuntimeError):
        async with running(consumer_of(stack, topic, seen, max_records=5)) as task:
            await asyncio.wait([task], timeout=20)
    assert (await commits(stack, topic))[0] == 10
    assert len(seen.batches) == 3
    assert "canary" not in lines.text

    again = Seen()
    async with running(consumer_of(stack, topic, again)):
        await eventually(lambda: len(again.values) == 10)
    assert again.values[0] == b"10"


async def test_a_stop_lets_the_batch_at_work_finish(stack: Stack, topic: Topic, producer: Producer) -> None:
    await fill(producer, topic, 3)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_: list[Record]) -> None:
        begun.set()
        await go_on.wait()

    stop = asyncio.Event()
    running_consumer = asyncio.create_task(consumer_of(stack, topic, Seen(wait)).run(stop))
    await asyncio.wait_for(begun.wait(), 30)
    stop.set()
    await asyncio.sleep(0)
    assert not running_consumer.done()
    go_on.set()
    await running_consumer
    assert (await commits(stack, topic))[0] == 3


async def test_a_batch_that_never_ends_is_not_committed_by_a_stop(
    stack: Stack, topic: Topic, producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carewire_runtime.kafka.batch._STOP_DEADLINE_S", 0.5)
    await fill(producer, topic, 3)
    seen = Seen(lambda _: asyncio.Event().wait())  # type: ignore[arg-type,return-value]
    async with running(consumer_of(stack, topic, seen)):
        await eventually(lambda: seen.batches)
    assert await commits(stack, topic) == {}


async def test_a_rebalance_waits_for_the_batch_at_work(stack: Stack, topic: Topic, producer: Producer) -> None:
    await fill(producer, topic, 2, partition=0)
    await fill(producer, topic, 2, partition=1)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_: list[Record]) -> None:
        begun.set()
        await go_on.wait()

    first, second = Seen(wait), Seen()
    async with running(consumer_of(stack, topic, first)):
        await asyncio.wait_for(begun.wait(), 30)
        async with running(consumer_of(stack, topic, second)):
            go_on.set()

            async def all_committed() -> bool:
                return await commits(stack, topic) == {0: 2, 1: 2}

            await eventually(all_committed, timeout=30)

            async def second_has_its_share() -> bool:
                await fill(producer, topic, 1, partition=0)
                await fill(producer, topic, 1, partition=1)
                return bool(first.values and second.values)

            await eventually(second_has_its_share, timeout=30, pause=0.2)
    taken = [(r.partition, r.offset) for seen in (first, second) for batch in seen.batches for r in batch]
    assert len(taken) == len(set(taken))


async def test_after_a_rebalance_nobody_waits_until_the_fetch_of_the_old_partitions_has_ended(
    stack: Stack, topic: Topic, producer: Producer
) -> None:
    async def fill_both() -> None:
        await asyncio.gather(*(fill(producer, topic, 1, partition) for partition in (0, 1)))

    def patient(seen: Seen) -> BatchConsumer:
        return BatchConsumer(stack.kafka_bootstrap, [topic.name], f"{topic.name}-group", seen, pace=LONGER_THAN_A_TEST)

    first, second = Seen(), Seen()
    async with running(patient(first)):
        await fill_both()
        await eventually(lambda: len(first.values) == 2)
        other = patient(second)
        async with running(other):
            await eventually(lambda: other.not_ready() is None, timeout=20)
            await fill_both()
            await eventually(lambda: len(first.values) == 3 and len(second.values) == 1, timeout=20)


async def test_a_batch_that_a_rebalance_overtook_is_not_committed(
    stack: Stack, topic: Topic, producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carewire_runtime.kafka.batch._REBALANCE_DEADLINE_S", 0.2)
    await fill(producer, topic, 2, partition=0)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_: list[Record]) -> None:
        begun.set()
        await go_on.wait()

    second = Seen(wait)
    with logged() as lines:
        async with running(consumer_of(stack, topic, Seen(wait))):
            await asyncio.wait_for(begun.wait(), 30)
            async with running(consumer_of(stack, topic, second)):
                await eventually(lambda: lines.of("rebalance_overtook_batch"), timeout=30)
                assert await commits(stack, topic) == {}
                go_on.set()
                await eventually(lambda: lines.of("commit_skipped"), timeout=30)


async def test_an_absent_broker_is_waited_for() -> None:
    async def never(_: list[Record]) -> None:
        raise AssertionError

    consumer = BatchConsumer("127.0.0.1:1", ["t"], "g", never)
    with logged() as lines:
        async with running(consumer):
            await eventually(lambda: len(lines.of("retrying")) >= 2)
            assert consumer.not_ready() == "group g is not joined yet"
    assert lines.of("retrying")[0]["error"] == KafkaUnavailable.__name__


async def test_a_consumer_whose_background_work_ended_ends(stack: Stack, topic: Topic, producer: Producer) -> None:
    consumers: list[AIOKafkaConsumer] = []
    original = AIOKafkaConsumer.start

    async def start(consumer: AIOKafkaConsumer) -> None:
        consumers.append(consumer)
        await original(consumer)

    await fill(producer, topic, 1)
    seen = Seen()

    async def consume() -> None:
        async with running(consumer_of(stack, topic, seen)) as task:
            await eventually(lambda: seen.values)
            consumers[0]._fetcher._fetch_task.cancel()
            await asyncio.wait([task], timeout=20)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AIOKafkaConsumer, "start", start)
        with pytest.raises(KafkaUnavailable, match="background work ended"):
            await consume()
