"""aiokafka's errors in our words. Its texts are dropped: they may name keys and hold what brokers echo."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka import errors as driver

from carewire_runtime.errors import KafkaError, KafkaRefused, KafkaUnavailable, ProducerFatal, RecordTooLarge

_FATAL = (
    driver.OutOfOrderSequenceNumber,
    driver.ProducerFenced,
    driver.InvalidProducerEpoch,
    driver.InvalidProducerIdMapping,
    driver.InvalidTxnState,
    driver.UnknownProducerId,
)
_TOO_LARGE = (driver.MessageSizeTooLargeError, driver.RecordListTooLargeError)
_AWAY = (
    driver.KafkaConnectionError,
    driver.KafkaTimeoutError,
    driver.RequestTimedOutError,
    driver.NodeNotReadyError,
    driver.NoBrokersAvailable,
    driver.ProducerClosed,
    driver.ConsumerStoppedError,
    OSError,
    asyncio.TimeoutError,
)


def translated(error: BaseException) -> KafkaError:
    """Return our error for one of the driver's."""
    name = type(error).__name__
    if isinstance(error, _FATAL):
        return ProducerFatal(f"the producer cannot go on ({name})")
    if isinstance(error, _TOO_LARGE):
        return RecordTooLarge(f"a record is too large for the producer or its topic ({name})")
    if isinstance(error, _AWAY) or getattr(error, "retriable", False):
        return KafkaUnavailable(f"Kafka does not answer or not in time ({name})")
    return KafkaRefused(f"Kafka refused ({name})")


@contextmanager
def translating() -> Iterator[None]:
    """Translate what the driver raises inside."""
    try:
        yield
    except (driver.KafkaError, driver.ConsumerStoppedError, OSError) as error:
        raise translated(error) from None
