"""The days of the attempt log: each is a partition, made when its first row comes and dropped when it is too old."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Literal

from carewire_runtime.clock import Clock
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.queries import load_queries
from carewire_runtime.telemetry.logs import logger

Table = Literal["delivery", "attempt"]

_log = logger("attempt-log")
_queries = load_queries("carewire_dispatcher")


def oldest_day(now: datetime, kept: timedelta) -> date:
    """Say which is the first day (in UTC) of which nothing is dropped."""
    return (now - kept).date()


class LogDays:
    """Makes partitions, and at each new day drops those that are older than `kept`.

    What is older already, as where an event of long ago is replayed, gets its partition for as long as the day lasts.
    It drops none, and is asked for each time: another process may have dropped it.
    """

    def __init__(self, db: Database, kept: timedelta, clock: Clock) -> None:
        self._db = db
        self._kept = kept
        self._clock = clock
        self._made: set[tuple[Table, date]] = set()

    async def ensure(self, table: Table, moments: Iterable[datetime]) -> None:
        """Make the days on which some rows lie. Raises DatabaseError."""
        missing = sorted({moment.date() for moment in moments if (table, moment.date()) not in self._made})
        if not missing:
            return
        oldest = oldest_day(self._clock.now(), self._kept)
        async with self._db.transaction() as connection:
            await connection.execute(_queries.lock_days)
            is_new = missing[-1] >= oldest
            dropped = await connection.fetchval(_queries.drop_days, table, oldest) if is_new else 0
            await connection.execute(_queries.make_days, table, missing)
            if dropped:
                # What an attempt sent was told at most an hour before it, and so at most a day.
                await connection.execute(_queries.forget_requests, oldest - timedelta(days=1))
        made = self._made | {(table, day) for day in missing}
        self._made = {known for known in made if known[1] >= oldest}
        if dropped:
            _log.info("days_dropped", count=dropped)
