"""Consuming in batches: FastStream takes them, a handler finishes them, and only then they are committed.

Finish or die. A handler either returns, and its batch is committed; or it raises, and `run` raises with
nothing committed, which ends the process. FastStream itself would log the exception and go on, and its next
acknowledgement would commit past the lost batch; so the guard below stops the subscriber at any exception,
one of parsing too. What of FastStream is not used: its parsing of headers (it fails on bytes that are not
UTF-8, before any handler sees the record), its decoding, acknowledging, logging, topic creation, and injection.

When too much was poison, the batch is finished and committed and no further one is taken; the process stays up,
and its readiness says the cure.

Commits go beside the work, half a second after there is something to commit, and once more before partitions are
given up and at the end. They name what is finished and nothing else, and are left out for partitions that went to
another process meanwhile.
A rebalance waits for the batch at work, within a deadline.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faststream import AckPolicy, BaseMiddleware
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaAckableMessage

from carewire_runtime.clock import Clock, SystemClock
from carewire_runtime.errors import KafkaError, KafkaUnavailable, TooManyPoison
from carewire_runtime.kafka.background import background_tasks, fetch_after_taking, let_fetches_go, rest_while_idle
from carewire_runtime.kafka.dead_letters import PoisonLimit
from carewire_runtime.kafka.finished import COMMIT_EVERY_S, Finished
from carewire_runtime.kafka.pace import EAGER, Pace
from carewire_runtime.kafka.records import Record, record_of
from carewire_runtime.kafka.taking import Taking
from carewire_runtime.kafka.translation import translating
from carewire_runtime.retry import retry_in_place
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

__all__ = ["BatchConsumer", "Handler", "Record", "retry_in_place"]

Handler = Callable[[list[Record]], Awaitable[None]]

_REBALANCE_DEADLINE_S: Final = 5.0
"""How long a rebalance waits for the batch at work; meanwhile the whole group stands still."""
_SESSION_TIMEOUT_MS: Final = 6_000
"""The least that brokers allow by default: partitions of a killed member stay unread for this long."""
_HEARTBEAT_MS: Final = 2_000
_BATCH_TAKES_S: Final = 60.0
"""No batch takes longer, or other partitions go on without those of the next one."""
_STOP_DEADLINE_S: Final = 10.0
_COMMIT_DEADLINE_S: Final = 2.0

_log = logger("consumer")


class BatchConsumer:
    """A component that hands batches of some topics, as one member of a group, to a handler, one at a time."""

    def __init__(
        self,
        bootstrap: str,
        topics: Iterable[str],
        group: str,
        handler: Handler,
        *,
        max_records: int = 200,
        pace: Pace = EAGER,
        poison_limit: PoisonLimit | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.name = f"consumer {group}"
        self._bootstrap = bootstrap
        self._topics = list(topics)
        self._group = group
        self._handler = handler
        self._max_records = max_records
        self._pace = pace
        self._clock = clock or SystemClock()
        self._limit = poison_limit or PoisonLimit(self._clock)
        self._finished = Finished(group)
        self._listener = _Listener(self._finished)
        self._oldest_ms: int | None = None
        self._taking = Taking(pace, max_records, self._clock)
        self._taken_after = 0
        self._joined = False
        self._ended: TooManyPoison | None = None

    def not_ready(self) -> str | None:
        """Return why nothing is consumed, for a readiness check."""
        if self._ended is not None:
            return str(self._ended)
        return None if self._joined else f"group {self._group} is not joined yet"

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set. Raises what the handler raises, with its batch not committed.

        Beyond the limit of poison it commits, leaves the group, and only waits for `stop`.
        """
        unwatch = metrics.CONSUMER_LAG.watch(self._lag_seconds, group=self._group)
        try:
            await self._consume_until(stop)
        except TooManyPoison as error:
            self._ended = error
            _log.error("consuming_ended", group=self._group, error=error)
            await stop.wait()
        finally:
            unwatch()

    async def _consume_until(self, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        consuming = asyncio.create_task(self._consume(stop))
        try:
            await asyncio.wait([stopping, consuming], return_when=asyncio.FIRST_COMPLETED)
            if self._joined and not consuming.done():
                await asyncio.wait([consuming], timeout=_STOP_DEADLINE_S)
        finally:
            self._joined = False
            for task in (stopping, consuming):
                task.cancel()
            results = await asyncio.gather(stopping, consuming, return_exceptions=True)
        if isinstance(results[1], Exception):
            raise results[1]

    async def _consume(self, stop: asyncio.Event) -> None:
        broker, consumer, failure = await retry_in_place(self._start, self._clock, what="start_consumer")
        self._joined = True
        stopping = asyncio.create_task(stop.wait())
        committing = asyncio.create_task(self._commit_for_ever(consumer))
        ends: set[asyncio.Future[Any]] = {stopping, committing, failure, *background_tasks(consumer)}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopping, committing):
                task.cancel()
            ended = await asyncio.gather(committing, return_exceptions=True)
            await self._wind_up(broker, consumer)
        if failure.done():
            raise failure.result()
        if isinstance(ended[0], Exception):
            raise ended[0]
        if not stop.is_set():
            raise KafkaUnavailable("the consumer's background work ended")

    async def _commit_for_ever(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            await self._finished.any()
            await self._clock.sleep(COMMIT_EVERY_S)
            await self._finished.commit(consumer)

    async def _wind_up(self, broker: KafkaBroker, consumer: AIOKafkaConsumer) -> None:
        """Let the batch at work finish, commit, leave the group."""
        for subscriber in broker.subscribers:
            subscriber.running = False  # no further batch is taken
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_DEADLINE_S / 2), self._listener.at_work:
                pass
        await _commit_soon(self._finished, consumer)
        with translating():
            await broker.stop()

    async def _start(self) -> tuple[KafkaBroker, AIOKafkaConsumer, asyncio.Future[Exception]]:
        failure: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        broker = KafkaBroker(
            self._bootstrap.split(","),
            client_id=f"carewire-{self._group}",
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            # The batch at work was waited for before the broker is stopped.
            graceful_timeout=0,
            middlewares=[_guard(lambda error: fail(error))],
            logger=None,
        )
        subscriber = broker.subscriber(
            *self._topics,
            group_id=self._group,
            batch=True,
            max_records=self._max_records,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=_SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=_HEARTBEAT_MS,
            fetch_min_bytes=self._pace.min_bytes,
            fetch_max_wait_ms=self._pace.max_wait_ms,
            listener=self._listener,
            parser=_parse,
            decoder=_decode,
            no_reply=True,
        )

        def fail(error: Exception) -> None:
            # The loop asks this flag before it takes the next batch.
            subscriber.running = False
            if not failure.done():
                failure.set_result(error)

        async def handle(raw: tuple[Any, ...]) -> None:
            if not failure.done():
                await self._finish(raw)
                if self._limit.exceeded is not None:
                    fail(self._limit.exceeded)

        subscriber(handle)
        # FastStream's own polls sleep after each empty one, which is either late or busy.
        subscriber.get_msg = self._take  # type: ignore[method-assign]
        try:
            with translating():
                await broker.start()
        except BaseException:
            await broker.stop()
            raise
        rest_while_idle(subscriber.consumer)
        fetch_after_taking(subscriber.consumer, _BATCH_TAKES_S)
        self._listener.consumer = subscriber.consumer
        return broker, subscriber.consumer, failure

    async def _take(self, consumer: AIOKafkaConsumer) -> tuple[Any, ...]:
        records = await self._taking.take(consumer)
        self._taken_after = self._listener.revocations
        return records

    async def _finish(self, raw: tuple[Any, ...]) -> None:
        began = self._clock.monotonic()
        self._oldest_ms = min(record.timestamp for record in raw)
        async with self._listener.at_work:
            await self._handler([record_of(record) for record in raw])
            if self._taken_after == self._listener.revocations:
                self._finished.add(raw)
            else:
                # The partitions may have come back with a newer commit of another member: never go behind it.
                self._finished.skip(len({(record.topic, record.partition) for record in raw}))
        if self._limit.exceeded is None:
            self._oldest_ms = None  # else what comes after it goes on waiting
        metrics.BATCH_SIZE.record(len(raw), group=self._group)
        metrics.BATCH_DURATION.record(self._clock.monotonic() - began, group=self._group)

    def _lag_seconds(self) -> float:
        if self._oldest_ms is None:
            return 0.0
        return max(0.0, self._clock.now().timestamp() - self._oldest_ms / 1000)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Makes a rebalance wait for the batch at work and its commit, and remembers that partitions were taken away."""

    def __init__(self, finished: Finished) -> None:
        self.at_work = asyncio.Lock()
        self.revocations = 0
        self.consumer: AIOKafkaConsumer | None = None
        self._finished = finished

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Wait for the batch at work and commit; a batch that takes too long will not be committed."""
        if not revoked:
            return
        try:
            async with asyncio.timeout(_REBALANCE_DEADLINE_S), self.at_work:
                pass
        except TimeoutError:
            _log.warning("rebalance_overtook_batch", wait_s=_REBALANCE_DEADLINE_S)
        # From here on a batch that still is at work no longer counts.
        self.revocations += 1
        if self.consumer is not None:
            await _commit_soon(self._finished, self.consumer)
        self._finished.forget()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:  # noqa: ARG002
        """Fetch at once what was assigned. Positions come from the commits."""
        if self.consumer is not None:
            let_fetches_go(self.consumer)


async def _commit_soon(finished: Finished, consumer: AIOKafkaConsumer) -> None:
    """Commit, unless Kafka does not take it soon: then what was finished since the last commit is done again."""
    try:
        async with asyncio.timeout(_COMMIT_DEADLINE_S):
            await finished.commit(consumer)
    except (TimeoutError, KafkaError) as error:
        _log.warning("commit_put_off", error=error)


def _guard(fail: Callable[[Exception], None]) -> type[BaseMiddleware[Any, Any]]:
    class Guard(BaseMiddleware[Any, Any]):
        """Sees every exception of a batch, whether the handler raised it or FastStream before it."""

        async def after_processed(
            self,
            exc_type: type[BaseException] | None = None,  # noqa: ARG002 (the names are FastStream's)
            exc_val: BaseException | None = None,
            exc_tb: TracebackType | None = None,  # noqa: ARG002
        ) -> bool | None:
            if isinstance(exc_val, Exception):
                fail(exc_val)
            return False

    return Guard


# Both are coroutines because FastStream sends plain functions through a pool of threads, at each batch.
async def _parse(raw: tuple[Any, ...]) -> KafkaAckableMessage:
    return KafkaAckableMessage(raw_message=raw, body=b"", consumer=FAKE_CONSUMER)


async def _decode(message: KafkaAckableMessage) -> Any:
    return message.raw_message
