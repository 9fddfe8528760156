"""The producer over a scripted driver: who is told what when a record or the producer itself cannot go on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors as driver
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata, TopicPartition

import carewire_runtime.kafka.producer as producer_module
from carewire_runtime.errors import KafkaError, KafkaRefused, KafkaUnavailable, ProducerFatal, RecordTooLarge
from carewire_runtime.kafka.producer import Appended, Producer
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_testing_runtime.log import logged

CANARY = "canary-2718"
FATAL = driver.OutOfOrderSequenceNumber


class Driver:
    """What the producer uses of aiokafka's: records wait until the test acknowledges or fails them."""

    made: "list[Driver]"
    refuse_start: bool

    def __init__(self, **settings: Any) -> None:
        type(self).made.append(self)
        self.settings = settings
        self.client = SimpleNamespace(_metadata_update=None)
        self.waiting: list[asyncio.Future[RecordMetadata]] = []
        self.refusal: BaseException | None = None
        self.stopped = False
        self.flushed = asyncio.Event()
        self.flushed.set()
        self.sender = asyncio.get_running_loop().create_future()
        self._sender = SimpleNamespace(sender_task=self.sender)
        self._message_accumulator = SimpleNamespace(fail_all=lambda _: self.flushed.set())

    async def start(self) -> None:
        if self.refuse_start:
            raise driver.KafkaConnectionError(CANARY)

    async def stop(self) -> None:
        await self.flushed.wait()
        self.stopped = True

    async def send(self, *_: Any, **__: Any) -> asyncio.Future[RecordMetadata]:
        if self.refusal is not None:
            raise self.refusal
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(1_000, 0)

    async def partitions_for(self, _: str) -> set[int]:
        return {0, 1}

    async def send_batch(self, *_: Any, **__: Any) -> asyncio.Future[RecordMetadata]:
        return await self.send()

    def acknowledge(self, number: int = -1, offset: int = 7) -> None:
        place = TopicPartition("t", 1)
        self.waiting[number].set_result(RecordMetadata("t", 1, place, offset, 1_700_000_000_000, 1, 0))


@pytest.fixture
async def made(monkeypatch: pytest.MonkeyPatch) -> list[Driver]:
    """The drivers that were made, the newest last."""
    Driver.made, Driver.refuse_start = [], False
    monkeypatch.setattr(producer_module, "AIOKafkaProducer", Driver)
    return Driver.made


@pytest.fixture
async def producer(made: list[Driver]) -> AsyncIterator[Producer]:
    """A started producer."""
    started = Producer("nowhere:9092", "test")
    await started.start()
    yield started
    await started.stop(deadline=0)


RECORD = OutboxRecord("t", b"k", b"v", [])


async def enqueued(producer: Producer) -> asyncio.Future[Appended]:
    [future] = await producer.enqueue_all([RECORD])
    return future


def sending(producer: Producer) -> asyncio.Task[Appended]:
    return asyncio.create_task(producer.send("t", key=b"k", value=b"v", headers=[]))


async def sent(producer: Producer) -> Appended:
    return await producer.send("t", key=b"k", value=b"v", headers=[])


async def sent_among_all(producer: Producer) -> Appended:
    return await (await enqueued(producer))


async def handed_over(producer: Producer) -> Appended:
    told: asyncio.Future[Appended | KafkaError] = asyncio.get_running_loop().create_future()
    await producer.hand_over("t", 1, [RECORD], lambda _, outcome: told.set_result(outcome))
    outcome = await told
    if isinstance(outcome, KafkaError):
        raise outcome
    return outcome


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_never_trades_durability_for_speed(producer: Producer, made: list[Driver]) -> None:
    settings = made[0].settings
    assert settings["acks"] == "all"
    assert settings["enable_idempotence"] is True
    assert settings["linger_ms"] == 0


async def test_an_acknowledged_record_is_told_with_its_place_and_the_broker_s_time(
    producer: Producer, made: list[Driver]
) -> None:
    future, sent = await enqueued(producer), sending(producer)
    await turn()
    made[0].acknowledge(0)
    made[0].acknowledge(1, offset=8)
    assert await future == Appended("t", 1, 7, 1_700_000_000_000)
    assert (await sent).offset == 8


@pytest.mark.parametrize(
    ("raised", "meant"),
    [
        (driver.RequestTimedOutError(CANARY), KafkaUnavailable),
        (ConnectionResetError(CANARY), KafkaUnavailable),
        (driver.MessageSizeTooLargeError(CANARY), RecordTooLarge),
        (driver.TopicAuthorizationFailedError(CANARY), KafkaRefused),
        (FATAL(CANARY), ProducerFatal),
    ],
    ids=lambda each: getattr(each, "__name__", type(each).__name__),
)
@pytest.mark.parametrize("when", ["refused at once", "failed later"])
@pytest.mark.parametrize("way", [sent, sent_among_all, handed_over], ids=lambda way: way.__name__)
async def test_a_failure_is_told_in_our_words_however_a_record_was_given(
    producer: Producer,
    made: list[Driver],
    raised: Exception,
    meant: type[KafkaError],
    way: Callable[[Producer], Coroutine[Any, Any, Appended]],
    when: str,
) -> None:
    if when == "refused at once":
        made[0].refusal = raised
    sending = asyncio.create_task(way(producer))
    await turn()
    if when == "failed later":
        made[0].waiting[0].set_exception(raised)
    with pytest.raises(meant) as told:
        await sending
    assert CANARY not in str(told.value)
    assert producer.failed.done() is (meant is ProducerFatal)


async def test_after_a_fatal_error_nothing_is_sent_any_more(producer: Producer, made: list[Driver]) -> None:
    first, second = await enqueued(producer), await enqueued(producer)
    with logged() as lines:
        made[0].waiting[0].set_exception(FATAL())
        with pytest.raises(ProducerFatal):
            await first
    assert isinstance(producer.failed.result(), ProducerFatal)
    assert len(lines.of("producer_failed")) == 1
    made[0].waiting[1].set_exception(driver.KafkaTimeoutError())
    with pytest.raises(ProducerFatal):
        await second
    with pytest.raises(ProducerFatal):
        _ = await enqueued(producer)
    with pytest.raises(ProducerFatal):
        await sending(producer)
    assert len(made[0].waiting) == 2


async def test_a_sender_that_dies_is_fatal_and_tells_its_class_only(producer: Producer, made: list[Driver]) -> None:
    made[0].sender.set_exception(RuntimeError(CANARY))
    await turn()
    assert "RuntimeError" in str(producer.failed.result())
    assert CANARY not in str(producer.failed.result())


async def test_a_record_of_a_producer_that_was_closed_may_still_be_appended(
    producer: Producer, made: list[Driver]
) -> None:
    future = await enqueued(producer)
    made[0].waiting[0].cancel()
    with pytest.raises(KafkaUnavailable, match="closed"):
        await future


async def test_who_hands_over_is_told_once_though_the_caller_has_gone(producer: Producer, made: list[Driver]) -> None:
    outcomes: list[tuple[int, Appended | KafkaError]] = []

    async def caller() -> None:
        await producer.hand_over("t", 1, [OutboxRecord("t", None, b"v", [])] * 2, lambda *told: outcomes.append(told))
        await asyncio.Event().wait()

    calling = asyncio.create_task(caller())
    await turn()
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    made[0].acknowledge()
    await turn()
    assert outcomes == [(2, Appended("t", 1, 7, 1_700_000_000_000))]


async def test_a_caller_who_no_longer_waits_takes_no_record_back(producer: Producer, made: list[Driver]) -> None:
    future = await enqueued(producer)
    future.cancel()
    made[0].acknowledge()
    await turn()
    assert made[0].waiting[0].done()
    assert not made[0].waiting[0].cancelled()


async def test_before_the_start_and_after_the_stop_kafka_counts_as_away(made: list[Driver]) -> None:
    producer = Producer("nowhere:9092", "test")
    for _ in range(2):
        with pytest.raises(KafkaUnavailable, match="not started"):
            _ = await enqueued(producer)
        await producer.start()
        await producer.stop()
    assert [each.stopped for each in made] == [True, True]


async def test_a_start_that_fails_leaves_nothing_behind_and_may_be_tried_again(made: list[Driver]) -> None:
    producer = Producer("nowhere:9092", "test")
    Driver.refuse_start = True
    with pytest.raises(KafkaUnavailable) as told:
        await producer.start()
    assert CANARY not in str(told.value)
    assert made[0].stopped
    Driver.refuse_start = False
    await producer.start()
    future = await enqueued(producer)
    made[1].acknowledge()
    assert (await future).offset == 7
    await producer.stop()


async def test_a_stop_gives_up_what_kafka_does_not_take_in_time(producer: Producer, made: list[Driver]) -> None:
    made[0].flushed.clear()
    with logged() as lines:
        await producer.stop(deadline=0)
    assert made[0].stopped
    assert len(lines.of("unsent_records_given_up")) == 1
    await producer.stop()


class OneOutOf(Driver):
    """Does not take the second batch over; who waits for the slot of the one before has waited too long."""

    async def send_batch(self, *_: Any, **__: Any) -> asyncio.Future[RecordMetadata]:
        if len(self.waiting) == 1 and self.refusal is None:
            self.refusal = driver.KafkaTimeoutError(CANARY)
            raise self.refusal
        self.refusal = None
        return await self.send()


async def test_what_follows_a_batch_that_was_not_taken_over_does_not_go_before_it(
    monkeypatch: pytest.MonkeyPatch, made: list[Driver]
) -> None:
    monkeypatch.setattr(producer_module, "AIOKafkaProducer", OneOutOf)
    producer = Producer("nowhere:9092", "test")
    await producer.start()
    large = [OutboxRecord("t", b"k", bytes(900), []) for _ in range(4)]
    first, *others = await producer.enqueue_all(large)
    assert len(made[-1].waiting) == 1, "the others are neither before nor without the second"
    made[-1].acknowledge()
    assert isinstance(await first, Appended)
    for other in others:
        with pytest.raises(KafkaUnavailable):
            await other
    again = await producer.enqueue_all(large[1:])
    assert len(made[-1].waiting) == 1 + len(again)
    for number in range(1, 4):
        made[-1].acknowledge(number)
    await asyncio.gather(*again)
    await producer.stop(deadline=0)
