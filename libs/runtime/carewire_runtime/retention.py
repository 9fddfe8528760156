"""Deleting what has been kept long enough: hourly, in bounded batches, by one process at a time.

What is old is told by ids, which begin with the time of their birth. Each batch is a transaction of its own, so a
kill loses one batch of work at most, and nobody waits for a long one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from carewire_runtime.clock import Clock
from carewire_runtime.ids import earliest_id
from carewire_runtime.periodic import every
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

EVERY_S: Final = 3_600.0
BATCH: Final = 1_000
"""Rows at once: some MiB of payloads, some tens of milliseconds."""

_TRY_LOCK: Final = "select pg_try_advisory_lock(hashtextextended($1, 0))"

_log = logger("retention")

DeleteBatch = Callable[[Connection, str, int], Awaitable[int]]
"""Deletes at most some rows, the oldest before an id, and says how many it were."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept for how long; `what` is the fixed word that logs and metrics use."""

    what: str
    life: timedelta
    delete: DeleteBatch


class Retention:
    """A component that deletes what is too old."""

    name = "retention"

    def __init__(self, db: Database, kept: Sequence[Kept], clock: Clock, *, batch: int = BATCH) -> None:
        self._db = db
        self._kept = kept
        self._clock = clock
        self._batch = batch

    async def run(self, stop: asyncio.Event) -> None:
        """Delete at once and then each hour until asked to stop. Raises errors that do not pass by themselves."""
        await every(EVERY_S, lambda: self.clear(stop), stop, self._clock, what="retention")

    async def clear(self, stop: asyncio.Event) -> None:
        """Delete all that is too old now, unless another process is at it."""
        async with self._db.session() as connection:  # which forgets the lock at its end
            if await connection.fetchval(_TRY_LOCK, f"carewire retention of {self._db.schema}"):
                for kept in self._kept:
                    await self._clear_one(connection, kept, stop)

    async def _clear_one(self, connection: Connection, kept: Kept, stop: asyncio.Event) -> None:
        before = earliest_id(self._clock.now() - kept.life)
        total, deleted = 0, self._batch
        while deleted == self._batch and not stop.is_set():
            async with connection.transaction():
                deleted = await kept.delete(connection, before, self._batch)
            metrics.ROWS_EXPIRED.add(deleted, what=kept.what)
            total += deleted
        if total:
            _log.info("rows_expired", what=kept.what, count=total)
