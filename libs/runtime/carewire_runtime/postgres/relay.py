"""The relay: publishes the outbox, in order, by one process at a time.

It holds an advisory lock on a connection of its own; another process takes over when that connection ends.
Each round reads the oldest records, sends all and waits for all. What was acknowledged is deleted, by position, in
the statement that reads the next: one round trip instead of two, and nothing is sent while the batch before it is
not deleted. So when it is killed, one batch is published again, with the same event ids.

Which rows come, and in which order, Postgres alone says. But what stands in those that this process has just committed
is known already, and is not read again.

Whoever commits wakes the relay of its own process. One that does not publish wakes the one that does, through Postgres:
after the commit, in a transaction that waits for no disk, since transactions that notify are committed one at a time.
What nobody was woken for, since somebody died in between, is found by looking, once a second.

A record that is too large for Kafka is no reason to stop all others, and no dead topic could take it either: it is
set aside in a table of its own, loudly, and the others go on in their order.
"""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Final

from carewire_contracts.record import record
from carewire_runtime.clock import Clock, SystemClock
from carewire_runtime.errors import KafkaError, PostgresUnavailable, RecordTooLarge
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.outbox import OutboxRecord, OutboxRow, encode_headers, pack, unpack
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.queries import load_queries
from carewire_runtime.retry import is_retriable, pause_after
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

_BATCH: Final = 20
"""Rows read at once: at most some thousand records, of 5 MiB together."""
_IDLE_POLL_S: Final = 1.0
_TOO_LARGE: Final = "record_too_large"

_queries = load_queries("carewire_runtime")
_log = logger("relay")


_MOST_AT_HAND: Final = 32
"""Committed rows that are kept in memory until they are published: at most some 8 MiB."""


@record()
class _Row:
    position: int
    records: Sequence[OutboxRecord]


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
        self._published: list[int] = []
        self._at_hand: dict[str, Sequence[OutboxRecord]] = {}

    def wake(self, committed: Sequence[OutboxRow] = ()) -> None:
        """Say that records were committed, and in which rows, whichever process publishes them.

        Without it they are found within a second.
        """
        if self._leader:
            self._at_hand.update((row.id, row.records) for row in committed)
            # Some rows are read before this is heard of them.
            for row_id in list(self._at_hand)[:-_MOST_AT_HAND]:
                del self._at_hand[row_id]
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
                    await self._pause(error, stop)
                finally:
                    self._leader = False
                    self._at_hand.clear()
        finally:
            unwatch()
            waking.cancel()
            await asyncio.gather(waking, return_exceptions=True)

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake()

    async def _pause(self, error: Exception, stop: asyncio.Event) -> None:
        self._failures += 1
        pause = pause_after(self._failures)
        _log.warning("relay_interrupted", attempt=self._failures, wait_s=pause, error=error)
        metrics.RETRIES_IN_PLACE.add(what="relay")
        # That something was committed does not end it: the relay would try again and again without a pause.
        await self._clock.sleep_unless(stop, pause)

    async def _lead(self, stop: asyncio.Event) -> None:
        async with self._db.session() as connection:
            # A deletion that a crash of Postgres undoes means one batch published again, as a kill of ours does:
            # no reason to wait for the disk. The session ends with our leadership.
            await connection.execute("set synchronous_commit = off")
            stopping = False
            while not stopping:
                # What was committed before the stop goes out in a last round.
                stopping = stop.is_set()
                committed = self._woken.is_set()
                self._woken.clear()
                published = await self._publish(connection) if await self._lead_or_wake(connection, committed) else 0
                self._failures = 0
                if published < self._batch and not stopping:
                    await self._clock.sleep_unless(self._woken, _IDLE_POLL_S)
            await self._delete_published(connection)

    async def _lead_or_wake(self, connection: Connection, committed: bool) -> bool:
        """Whether this process publishes; if another one does, and something was committed here, wake that one."""
        if self._leader:
            return True
        self._leader = bool(await connection.fetchval(_queries.try_relay_lock, self._name))
        if self._leader:
            # What was committed before anybody listened is found by the look that follows.
            await connection.add_listener(self._name, self._hear)
        elif committed:
            await connection.execute(_queries.wake_relay, self._name)
        return self._leader

    def _hear(self, *_: object) -> None:
        self._woken.set()

    @property
    def _name(self) -> str:
        """Of the lock that the publishing relay holds, and of the channel on which it is woken."""
        return f"carewire relay of {self._db.schema}"

    async def _publish(self, connection: Connection) -> int:
        at_hand = dict(self._at_hand)
        found = await connection.fetch(_queries.next_of_outbox, self._published, self._batch, list(at_hand))
        self._published = []
        if not found:
            return 0
        rows = [_Row(row["position"], at_hand.get(row["id"]) or unpack(row["heads"], row["bodies"])) for row in found]
        for row in found:
            self._at_hand.pop(row["id"], None)
        futures = await self._producer.enqueue_all([one for row in rows for one in row.records])
        await asyncio.gather(*set(futures), return_exceptions=True)
        failures = [future.exception() for future in futures]
        if any(failures):
            await self._note_failures(connection, rows, failures)
        else:
            self._published = [row.position for row in rows]
        published = failures.count(None)
        metrics.OUTBOX_PUBLISHED.add(published)
        metrics.OUTBOX_BATCH.record(published)
        for failure in failures:
            if failure is not None and not isinstance(failure, RecordTooLarge):
                raise failure
        return len(rows)

    async def _note_failures(
        self, connection: Connection, rows: Sequence[_Row], failures: Sequence[BaseException | None]
    ) -> None:
        """Leave what passes with time, and nothing else: whoever comes next must not send again what is there."""
        outcomes = iter(failures)
        async with connection.transaction():
            for row in rows:
                left: list[OutboxRecord] = []
                for one, failure in zip(row.records, islice(outcomes, len(row.records)), strict=True):
                    if isinstance(failure, RecordTooLarge):
                        await _set_aside(connection, row.position, one)
                    elif failure is not None:
                        left.append(one)
                if left:
                    await connection.execute(_queries.leave_in_outbox, row.position, *pack(left))
                else:
                    await connection.execute(_queries.delete_from_outbox, [row.position])

    async def _delete_published(self, connection: Connection) -> None:
        if self._published:
            await connection.execute(_queries.delete_from_outbox, self._published)
            self._published = []


async def _set_aside(connection: Connection, position: int, one: OutboxRecord) -> None:
    headers = encode_headers(one.headers)
    await connection.execute(_queries.set_outbox_aside, position, one.topic, one.key, one.value, headers, _TOO_LARGE)
    metrics.DEAD_LETTERS.add(reason=_TOO_LARGE)
    _log.error("record_set_aside", reason=_TOO_LARGE, topic=one.topic, bytes=len(one.value or b""))
