"""What a fault of Kafka means to us, by the numbers of the protocol, and that no text of the driver comes along.

https://kafka.apache.org/protocol#protocol_error_codes
"""

import asyncio

import pytest
from aiokafka import errors as driver

from carewire_runtime.errors import KafkaError, KafkaRefused, KafkaUnavailable, ProducerFatal, RecordTooLarge
from carewire_runtime.kafka.translation import translated, translating

CANARY = "canary-1701"

PRODUCER_LOST = {
    45: "OUT_OF_ORDER_SEQUENCE_NUMBER",
    47: "INVALID_PRODUCER_EPOCH",
    48: "INVALID_TXN_STATE",
    49: "INVALID_PRODUCER_ID_MAPPING",
    59: "UNKNOWN_PRODUCER_ID",
}
"""The broker has lost the producer's thread: to go on could lose or repeat a record, so only a new producer can."""
TOO_LARGE = {10: "MESSAGE_TOO_LARGE", 18: "RECORD_LIST_TOO_LARGE"}
PASSING = {
    3: "UNKNOWN_TOPIC_OR_PARTITION",  # also of a topic that was made a moment ago
    5: "LEADER_NOT_AVAILABLE",
    6: "NOT_LEADER_OR_FOLLOWER",
    7: "REQUEST_TIMED_OUT",
    14: "COORDINATOR_LOAD_IN_PROGRESS",
    15: "COORDINATOR_NOT_AVAILABLE",
    16: "NOT_COORDINATOR",
    19: "NOT_ENOUGH_REPLICAS",
    20: "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
    41: "NOT_CONTROLLER",
    56: "KAFKA_STORAGE_ERROR",
}
"""The protocol calls these retriable: they pass when a leader, a coordinator or a replica is back."""
ANSWERS = sorted(set(range(-1, 120)) - {0})
"""More than any broker gives: the driver does not know the newest ones."""


def meaning(code: int) -> type[KafkaError]:
    """What an answer of a broker must mean."""
    if code in PRODUCER_LOST:
        return ProducerFatal
    if code in TOO_LARGE:
        return RecordTooLarge
    return KafkaUnavailable if code in PASSING else KafkaRefused


@pytest.mark.parametrize("code", ANSWERS)
def test_each_answer_of_a_broker_has_one_meaning(code: int) -> None:
    assert type(translated(driver.for_code(code)(CANARY))) is meaning(code)


@pytest.mark.parametrize(
    ("raised", "meant"),
    [
        pytest.param(ConnectionRefusedError, KafkaUnavailable, id="nobody listens"),
        pytest.param(BrokenPipeError, KafkaUnavailable, id="the connection broke"),
        pytest.param(asyncio.TimeoutError, KafkaUnavailable, id="our own deadline"),
        pytest.param(driver.KafkaConnectionError, KafkaUnavailable, id="no connection"),
        pytest.param(driver.KafkaTimeoutError, KafkaUnavailable, id="no answer in time"),
        pytest.param(driver.NodeNotReadyError, KafkaUnavailable, id="a broker that comes up"),
        pytest.param(driver.NoBrokersAvailable, KafkaUnavailable, id="no broker at all"),
        pytest.param(driver.ProducerClosed, KafkaUnavailable, id="our producer closes"),
        pytest.param(driver.ConsumerStoppedError, KafkaUnavailable, id="our consumer closes"),
        pytest.param(driver.ProducerFenced, ProducerFatal, id="another producer took our place"),
        pytest.param(driver.IllegalStateError, KafkaRefused, id="the driver is used wrongly"),
        pytest.param(driver.UnrecognizedBrokerVersion, KafkaRefused, id="a broker that the driver cannot talk to"),
    ],
)
def test_each_fault_on_our_side_has_one_meaning(raised: type[BaseException], meant: type[KafkaError]) -> None:
    assert type(translated(raised(CANARY))) is meant


KINDS = [one for one in vars(driver).values() if isinstance(one, type) and issubclass(one, driver.KafkaError)]


@pytest.mark.parametrize("raised", [*KINDS, driver.ConsumerStoppedError, ConnectionRefusedError])
def test_the_class_is_named_for_whoever_looks_for_the_cause_and_the_text_is_dropped(
    raised: type[BaseException],
) -> None:
    told = str(translated(raised(CANARY)))
    assert raised.__name__ in told
    assert CANARY not in told


def test_only_an_absent_kafka_is_worth_another_try() -> None:
    meanings = (ProducerFatal, RecordTooLarge, KafkaUnavailable, KafkaRefused)
    assert [meant for meant in meanings if meant.retriable] == [KafkaUnavailable]


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
