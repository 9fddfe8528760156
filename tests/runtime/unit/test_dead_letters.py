"""Setting a record aside: once, as it is, with where it stood and why, however long Kafka is away."""

import asyncio

import pytest

from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import CarewireError, KafkaUnavailable, ProducerFatal, RecordTooLarge
from carewire_runtime.kafka.dead_letters import DeadLetters
from carewire_runtime.kafka.producer import Appended, Headers, Producer
from carewire_runtime.kafka.records import Record
from carewire_runtime.telemetry import metrics
from carewire_testing_runtime.log import logged

Sent = tuple[str, bytes | None, bytes | None, Headers]


class Scripted(Producer):
    """Fails as told, then takes everything."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__("nowhere:9092", "scripted")
        self.errors = list(errors)
        self.sent: list[Sent] = []

    async def send(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        partition: int | None = None,
    ) -> Appended:
        assert partition is None, "the key chooses"
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append((topic, key, value, headers))
        return Appended(topic, 0, len(self.sent) - 1, 1)


def a_record(key: bytes | None = b"k", value: bytes | None = b"canary-value") -> Record:
    return Record("source", 3, 17, 1, key, value, (("ce_id", b"1"), ("ce_id", b"2")))


async def test_it_keeps_key_value_and_headers_and_says_where_it_stood_and_why() -> None:
    producer = Scripted()
    await DeadLetters(producer, "dead", FakeClock()).send(a_record(), "unreadable")
    [(topic, key, value, headers)] = producer.sent
    assert (topic, key, value) == ("dead", b"k", b"canary-value")
    assert headers == [
        ("ce_id", b"1"),
        ("ce_id", b"2"),
        ("dead_reason", b"unreadable"),
        ("dead_topic", b"source"),
        ("dead_partition", b"3"),
        ("dead_offset", b"17"),
    ]


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [(b"k", None, None), (None, b"v", b"v"), (None, None, b""), (b"", None, None), (b"k", b"", b"")],
)
async def test_a_tombstone_stays_one_and_only_what_has_neither_key_nor_value_gets_an_empty_one(
    key: bytes | None, value: bytes | None, kept: bytes | None
) -> None:
    producer = Scripted()
    await DeadLetters(producer, "dead", FakeClock()).send(a_record(key, value), "unreadable")
    assert producer.sent[0][1:3] == (key, kept)


async def test_while_kafka_is_away_it_waits_and_counts_the_record_once() -> None:
    clock, producer = FakeClock(), Scripted(KafkaUnavailable(), KafkaUnavailable())
    letters = DeadLetters(producer, "dead", clock)
    before = metrics.DEAD_LETTERS.value(reason="patience")
    sending = asyncio.create_task(letters.send(a_record(), "patience"))
    await clock.run_for(0)
    assert not sending.done()
    await clock.run_for(1)
    assert (await sending).offset == 0
    assert len(producer.sent) == 1
    assert metrics.DEAD_LETTERS.value(reason="patience") == before + 1


@pytest.mark.parametrize("error", [ProducerFatal(), RecordTooLarge()])
async def test_what_cannot_be_set_aside_is_not_counted_as_if_it_were(error: CarewireError) -> None:
    letters = DeadLetters(Scripted(*[error] * 200), "dead", FakeClock())
    before = metrics.DEAD_LETTERS.value(reason="fatal")
    for _ in range(200):
        with pytest.raises(type(error)):
            await letters.send(a_record(), "fatal")
    assert metrics.DEAD_LETTERS.value(reason="fatal") == before
    assert letters.limit.exceeded is None


async def test_its_limit_counts_what_it_set_aside() -> None:
    letters = DeadLetters(Scripted(), "dead", FakeClock())
    for number in range(200):
        assert letters.limit.exceeded is None, number
        await letters.send(a_record(), "unreadable")
    assert letters.limit.exceeded is not None


async def test_the_log_says_where_and_why_and_shows_nothing_of_the_record() -> None:
    with logged() as lines:
        await DeadLetters(Scripted(), "dead", FakeClock()).send(a_record(key=b"canary-key"), "unreadable")
    [line] = lines.of("record_set_aside")
    assert (line["topic"], line["partition"], line["offset"], line["reason"]) == ("source", 3, 17, "unreadable")
    assert "canary" not in lines.text
