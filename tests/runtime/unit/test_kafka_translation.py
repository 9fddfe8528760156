"""Which of the driver's errors pass by themselves, which end the producer, and that none brings its text along."""

import asyncio

import pytest
from aiokafka import errors as driver

from carewire_runtime.errors import KafkaError, KafkaRefused, KafkaUnavailable, ProducerFatal, RecordTooLarge
from carewire_runtime.kafka.translation import translated, translating

CANARY = "canary-1701"
MEANINGS: dict[type[KafkaError], list[type[BaseException]]] = {
    ProducerFatal: [
        driver.OutOfOrderSequenceNumber,
        driver.ProducerFenced,
        driver.InvalidProducerEpoch,
        driver.InvalidProducerIdMapping,
        driver.InvalidTxnState,
        driver.UnknownProducerId,
    ],
    RecordTooLarge: [driver.MessageSizeTooLargeError, driver.RecordListTooLargeError],
    KafkaUnavailable: [
        driver.KafkaConnectionError,
        driver.KafkaTimeoutError,
        driver.RequestTimedOutError,
        driver.NodeNotReadyError,
        driver.NoBrokersAvailable,
        driver.ProducerClosed,
        driver.ConsumerStoppedError,
        driver.NotLeaderForPartitionError,
        driver.LeaderNotAvailableError,
        driver.NotEnoughReplicasError,
        driver.GroupCoordinatorNotAvailableError,
        ConnectionRefusedError,
        BrokenPipeError,
        asyncio.TimeoutError,
    ],
    KafkaRefused: [
        driver.TopicAuthorizationFailedError,
        driver.GroupAuthorizationFailedError,
        driver.InvalidTopicError,
        driver.UnsupportedVersionError,
        driver.IllegalStateError,
        driver.OffsetOutOfRangeError,
    ],
}
CASES = [(raised, meant) for meant, kinds in MEANINGS.items() for raised in kinds]


@pytest.mark.parametrize(("raised", "meant"), CASES, ids=[raised.__name__ for raised, _ in CASES])
def test_each_error_of_the_driver_has_one_meaning(raised: type[BaseException], meant: type[KafkaError]) -> None:
    error = translated(raised(CANARY))
    assert type(error) is meant
    assert CANARY not in str(error)
    assert raised.__name__ in str(error), "the class is named, for whoever looks for the cause"


def test_only_an_absent_kafka_is_worth_another_try() -> None:
    assert {meant for meant in MEANINGS if meant.retriable} == {KafkaUnavailable}


@pytest.mark.parametrize("raised", [driver.KafkaTimeoutError, driver.ConsumerStoppedError, ConnectionResetError])
def test_inside_the_block_the_driver_s_error_is_replaced_without_a_trace(raised: type[Exception]) -> None:
    with pytest.raises(KafkaUnavailable) as told, translating():
        raise raised(CANARY)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__


@pytest.mark.parametrize("error", [ValueError("ours"), KafkaRefused("ours"), asyncio.CancelledError()])
def test_what_is_not_the_driver_s_goes_through_untouched(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, translating():
        raise error
    assert raised.value is error
