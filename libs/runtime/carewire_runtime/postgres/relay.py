"""The relay: publishes the outbox, in order, by one process at a time.

It holds an advisory lock on a connection of its own; another process takes over when that connection ends.
Each round reads the oldest records, sends all, waits for all, and deletes by position what was acknowledged.
Killed between acknowledgement and deletion, it publishes one batch again, with the same event ids.
"""

import asyncio
from typing import Any, Final

from carewire_runtime.clock import Clock, SystemClock
from carewire_runtime.errors import KafkaError, PostgresUnavailable
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.outbox import decode_headers
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.queries import load_queries
from carewire_runtime.retry import is_retriable, pause_after
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

_BATCH: Final = 500
_IDLE_POLL_S: Final = 1.0

_queries = load_queries("carewire_runtime")
_log = logger("relay")


class Relay:
    """A component that publishes the outbox of one schema."""

    name = "relay"

    def __init__(self, db: Database, producer: Producer, *, batch: int = _BATCH, clock: Clock | None = None) -> None:
        self._db = db
        self._producer = producer
        self._batch = batch
        self._clock = clock or SystemClock()
        self._woken = asyncio.Event()
        self._leader = False
        self._failures = 0

    def wake(self) -> None:
        """Say that records were committed. Without it they are found within a second."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set. Raises ProducerFatal, and other errors that do not pass by themselves."""
        unwatch = metrics.OUTBOX_LEADER.watch(lambda: float(self._leader))
        waking = asyncio.create_task(self._wake_on(stop))
        try:
            while not stop.is_set():
                try:
                    await self._lead(stop)
                except (KafkaError, PostgresUnavailable) as error:
                    if not is_retriable(error):
                        raise
                    await self._pause(error)
                finally:
                    self._leader = False
        finally:
            unwatch()
            waking.cancel()
            await asyncio.gather(waking, return_exceptions=True)

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake()

    async def _pause(self, error: Exception) -> None:
        self._failures += 1
        pause = pause_after(self._failures)
        _log.warning("relay_interrupted", attempt=self._failures, wait_s=pause, error=error)
        metrics.RETRIES_IN_PLACE.add(what="relay")
        await self._wait(pause)

    async def _lead(self, stop: asyncio.Event) -> None:
        async with self._db.connection() as connection:
            while not stop.is_set():
                if not self._leader:
                    self._leader = await self._try_to_lead(connection)
                self._woken.clear()
                published = await self._publish(connection) if self._leader else 0
                self._failures = 0
                if published < self._batch:
                    await self._wait(_IDLE_POLL_S)

    async def _try_to_lead(self, connection: Connection) -> bool:
        # A deletion that a crash of Postgres undoes means one batch published again, as a kill of ours does:
        # no reason to wait for the disk. The connection forgets this when it is given back.
        await connection.execute("set synchronous_commit = off")
        return bool(await connection.fetchval(_queries.try_relay_lock, self._lock_name))

    @property
    def _lock_name(self) -> str:
        return f"carewire relay of {self._db.schema}"

    async def _publish(self, connection: Connection) -> int:
        rows = await connection.fetch(_queries.next_of_outbox, self._batch)
        if not rows:
            return 0
        sent: list[tuple[int, asyncio.Future[Any]]] = []
        try:
            for row in rows:
                sent.append((row["position"], await self._enqueue(row)))  # noqa: PERF401 (what was sent counts)
        finally:
            # Whatever happened meanwhile: what was acknowledged is deleted, so that it is not sent again.
            results = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
            done = [place for (place, _), result in zip(sent, results, strict=True) if not _failed(result)]
            if done:
                await connection.execute(_queries.delete_from_outbox, done)
                metrics.OUTBOX_PUBLISHED.add(len(done))
                metrics.OUTBOX_BATCH.record(len(done))
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(done)

    async def _enqueue(self, row: Any) -> asyncio.Future[Any]:
        return await self._producer.enqueue(
            row["topic"], key=row["key"], value=row["value"], headers=decode_headers(row["headers"])
        )

    async def _wait(self, seconds: float) -> None:
        waking = asyncio.create_task(self._woken.wait())
        sleeping = asyncio.create_task(self._clock.sleep(seconds))
        await asyncio.wait([waking, sleeping], return_when=asyncio.FIRST_COMPLETED)
        for task in (waking, sleeping):
            task.cancel()
        await asyncio.gather(waking, sleeping, return_exceptions=True)


def _failed(result: object) -> bool:
    return isinstance(result, BaseException)
