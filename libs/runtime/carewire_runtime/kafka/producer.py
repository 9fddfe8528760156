"""The producer: acknowledged by all replicas, idempotent, no lingering (many in flight make batches by themselves).

Facts about aiokafka that shape it: an idempotent batch never expires, so a record that was enqueued may be
appended long after its sender gave up; a cancelled waiter does not take its record back; after some outages
the producer is out of sequence for good and must be rebuilt. The last one completes `failed`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError as DriverError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import RecordMetadata

from carewire_contracts.record import record
from carewire_runtime.errors import KafkaError, KafkaUnavailable, ProducerFatal, RecordTooLarge
from carewire_runtime.kafka.metadata_pacing import pace_metadata
from carewire_runtime.kafka.partitioner import partition_of
from carewire_runtime.kafka.translation import translated, translating
from carewire_runtime.telemetry.logs import logger

Headers = list[tuple[str, bytes]]

_REQUEST_TIMEOUT_MS: Final = 10_000
"""How long one request may go unanswered before its connection is given up: twice the 5 s that the slowest
caller waits for an acknowledgement."""
_BATCH_BYTES: Final = 128 * 1024
"""One batch a partition is in flight at a time: 128 KiB are a hundred records of 1 KiB, well past the point
where the cost per record stops falling."""
DEFAULT_MAX_REQUEST_BYTES: Final = 1024 * 1024
_STOP_DEADLINE_S: Final = 5.0

_log = logger("producer")


@record()
class Appended:
    """Where a record was appended, and when by the broker's clock.

    `offset` and `timestamp_ms` are -1 where the broker recognised a repeat of which it forgot the place.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


class Content(Protocol):
    """What a record holds."""

    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Headers: ...  # noqa: D102


class Outgoing(Content, Protocol):
    """A record to send."""

    @property
    def topic(self) -> str: ...  # noqa: D102


class Producer:
    """Sends records. To be made and used inside one event loop.

    With `linger_ms` a record waits so long for others to share its request: for what nobody waits for.
    """

    def __init__(
        self,
        bootstrap: str,
        client_id: str,
        *,
        max_request_bytes: int = DEFAULT_MAX_REQUEST_BYTES,
        linger_ms: int = 0,
    ) -> None:
        self._bootstrap = bootstrap
        self._linger_ms = linger_ms
        self._client_id = client_id
        self._max_request_bytes = max_request_bytes
        self._driver: AIOKafkaProducer | None = None
        self._failed: asyncio.Future[ProducerFatal] | None = None
        self._fatal: ProducerFatal | None = None

    @property
    def failed(self) -> asyncio.Future[ProducerFatal]:
        """Completes with the error, as its result, when the producer can no longer send anything."""
        if self._failed is None:
            self._failed = asyncio.get_running_loop().create_future()
        return self._failed

    async def start(self) -> None:
        """Connect. Raises KafkaUnavailable when no broker answers; may be called again then."""
        driver = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=self._linger_ms,
            partitioner=partition_of,
            max_batch_size=_BATCH_BYTES,
            max_request_size=self._max_request_bytes,
            request_timeout_ms=_REQUEST_TIMEOUT_MS,
        )
        pace_metadata(driver.client)
        try:
            with translating():
                await driver.start()
        except BaseException:
            await driver.stop()
            raise
        self._driver = driver
        driver._sender.sender_task.add_done_callback(self._sender_ended)  # noqa: SLF001 (nothing public tells)

    async def stop(self, deadline: float = _STOP_DEADLINE_S) -> None:
        """Send what is enqueued and disconnect; after `deadline` seconds give up what Kafka has not taken."""
        driver, self._driver = self._driver, None
        if driver is None:
            return
        stopping = asyncio.create_task(driver.stop())
        await asyncio.wait([stopping], timeout=deadline)
        if not stopping.done():
            _log.warning("unsent_records_given_up", wait_s=deadline)
            # Idempotent batches never expire: failing them is the only way to end the driver's flush.
            driver._message_accumulator.fail_all(DriverError())  # noqa: SLF001
        try:
            await stopping
        except (DriverError, KeyError, OSError) as error:
            _log.warning("stop_failed", error=error)

    async def send(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers, partition: int | None = None
    ) -> Appended:
        """Append a record and return where, once all replicas have it.

        Raises KafkaUnavailable, KafkaRefused, RecordTooLarge or ProducerFatal. After KafkaUnavailable, and
        when the caller is cancelled, the record may still be appended.
        """
        driver = self._able()
        try:
            return _appended(await (await driver.send(topic, value, key, partition, headers=headers)))
        except (DriverError, OSError) as error:
            raise self._noticed(error) from None

    async def hand_over(
        self,
        topic: str,
        partition: int,
        records: Sequence[Content],
        settled: Callable[[int, Appended | KafkaError], None],
    ) -> int:
        """Take over as many of these records as one batch holds, in their order, and return how many these are.

        That is the first at least, so ask `is_too_large` about each before. `settled` is called once, with that
        number and with how they ended: all of them alike, at the place of the first. That is told even if whoever
        handed them over has gone. Waits while the partition's last batch has not left. Raises KafkaUnavailable,
        KafkaRefused or ProducerFatal where it took nothing over.
        """
        driver = self._able()
        batch: BatchBuilder = driver.create_batch()
        taken = 0
        for one in records:
            if batch.append(timestamp=None, key=one.key, value=one.value, headers=one.headers) is None:
                break
            taken += 1
        try:
            source = await driver.send_batch(batch, topic, partition=partition)
        except (DriverError, OSError) as error:
            raise self._noticed(error) from None
        source.add_done_callback(lambda done: settled(taken, self._outcome(done)))
        return taken

    async def enqueue_all(self, records: Sequence[Outgoing]) -> list[asyncio.Future[Any]]:
        """Take many records over at once, those of a partition in their order and in as few batches as hold them.

        Handed over one by one, each costs two futures and a look at the metadata: four times as much. Returns
        for each record a future that those of its batch share, and that fails as `send` does; where a batch is not
        taken over, neither is what follows it in its partition. Raises KafkaUnavailable, KafkaRefused or
        ProducerFatal where it took nothing over.
        """
        driver = self._able()
        places: dict[tuple[str, int], list[int]] = defaultdict(list)
        try:
            partitions = {topic: sorted(await driver.partitions_for(topic)) for topic in {r.topic for r in records}}
        except (DriverError, OSError) as error:
            raise self._noticed(error) from None
        for number, one in enumerate(records):
            places[one.topic, partition_of(one.key, partitions[one.topic], ())].append(number)
        futures: dict[int, asyncio.Future[Any]] = {}
        for (topic, partition), numbers in places.items():
            refused: asyncio.Future[Any] | None = None
            for batch, held in self._batches(driver, records, numbers):
                # What comes after a batch that was not taken over must not go before it.
                if batch is None or refused is None:
                    shared = await self._submit(driver, batch, topic, partition)
                else:
                    shared = refused
                if batch is not None and _has_failed(shared):
                    refused = shared
                futures.update(dict.fromkeys(held, shared))
        return [futures[number] for number in range(len(records))]

    def _batches(
        self, driver: AIOKafkaProducer, records: Sequence[Outgoing], numbers: Sequence[int]
    ) -> Iterator[tuple[BatchBuilder | None, list[int]]]:
        """Lay records of one partition into batches; a record beyond the limit stands alone, without one."""
        batch: BatchBuilder = driver.create_batch()
        held: list[int] = []
        for number in numbers:
            one = records[number]
            if self.is_too_large(one.key, one.value, one.headers):
                yield None, [number]
                continue
            if batch.append(timestamp=None, key=one.key, value=one.value, headers=one.headers) is None:
                yield batch, held
                batch, held = driver.create_batch(), []
                batch.append(timestamp=None, key=one.key, value=one.value, headers=one.headers)
            held.append(number)
        if held:
            yield batch, held

    def is_too_large(self, key: bytes | None, value: bytes | None, headers: Headers) -> bool:
        """Whether a record is beyond the limit of one request."""
        # Asking exactly costs as much as the rest, and hardly any record comes near.
        if len(value or b"") < self._max_request_bytes // 2:
            return False
        size = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, headers)
        return bool(size > self._max_request_bytes)

    async def _submit(
        self, driver: AIOKafkaProducer, batch: BatchBuilder | None, topic: str, partition: int
    ) -> asyncio.Future[Any]:
        shared: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if batch is None:
            shared.set_exception(RecordTooLarge("a record is too large for the producer"))
            return shared
        try:
            source = await driver.send_batch(batch, topic, partition=partition)
        except (DriverError, OSError) as error:
            shared.set_exception(self._noticed(error))
        else:
            source.add_done_callback(lambda done: _settle(shared, self._outcome(done)))
        return shared

    def _outcome(self, done: asyncio.Future[RecordMetadata]) -> Appended | KafkaError:
        if done.cancelled():
            return KafkaUnavailable("the producer was closed")
        error = done.exception()
        return _appended(done.result()) if error is None else self._noticed(error)

    def _able(self) -> AIOKafkaProducer:
        if self._fatal is not None:
            raise ProducerFatal(str(self._fatal))
        if self._driver is None:
            raise KafkaUnavailable("the producer is not started")
        return self._driver

    def _noticed(self, error: BaseException) -> KafkaError:
        fault = translated(error)
        if isinstance(fault, ProducerFatal):
            self._fail(fault)
        elif self._fatal is not None:
            return ProducerFatal(str(self._fatal))
        return fault

    def _fail(self, fault: ProducerFatal) -> None:
        if self._fatal is not None:
            return
        self._fatal = fault
        _log.error("producer_failed", error=fault)
        if not self.failed.done():
            self.failed.set_result(fault)

    def _sender_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(ProducerFatal(f"the producer's sender ended ({type(error).__name__})"))


def _settle(target: asyncio.Future[Any], outcome: Appended | KafkaError) -> None:
    if target.done():
        return
    if isinstance(outcome, KafkaError):
        target.set_exception(outcome)
    else:
        target.set_result(outcome)


def _has_failed(future: asyncio.Future[Any]) -> bool:
    return future.done() and future.exception() is not None


def _appended(metadata: RecordMetadata) -> Appended:
    return Appended(metadata.topic, metadata.partition, metadata.offset, metadata.timestamp)
