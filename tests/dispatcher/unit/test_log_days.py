"""Days of the log are made once, and dropped when a new one comes; what is too old beforehand hurts nobody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from carewire_dispatcher.adapters.log_days import LogDays
from carewire_runtime.clock import FakeClock

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


class Tables:
    """Postgres with the days of one table, and several processes that make and drop them."""

    def __init__(self) -> None:
        self.days: set[date] = set()
        self.asked = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Tables"]:
        self.asked += 1
        yield self

    async def execute(self, _: str, *values: Any) -> None:
        if len(values) == 2:
            self.days |= set(values[1])

    async def fetchval(self, _: str, __: str, before: date) -> int:
        old = {day for day in self.days if day < before}
        self.days -= old
        return len(old)


def log_days(tables: Tables, clock: FakeClock) -> LogDays:
    return LogDays(cast("Any", tables), timedelta(days=7), clock)


async def test_a_new_day_is_made_once_and_drops_what_is_too_old() -> None:
    tables, clock = Tables(), FakeClock(NOON)
    days = log_days(tables, clock)
    for _ in range(3):
        await days.ensure("delivery", [NOON, NOON - timedelta(days=7)])
    assert (tables.asked, tables.days) == (1, {date(2026, 3, 31), date(2026, 3, 24)})
    clock.advance(86_400)
    await days.ensure("delivery", [clock.now()])
    assert tables.days == {date(2026, 3, 31), date(2026, 4, 1)}


async def test_processes_that_write_rows_of_long_ago_do_not_drop_each_other_s_days() -> None:
    tables, clock = Tables(), FakeClock(NOON)
    repair, log = log_days(tables, clock), log_days(tables, clock)
    older, old = NOON - timedelta(days=20), NOON - timedelta(days=19)
    await repair.ensure("delivery", [older])
    await log.ensure("delivery", [NOON])
    await repair.ensure("delivery", [older])
    await log.ensure("delivery", [old])
    assert tables.days >= {older.date(), old.date(), NOON.date()}
