"""A repair that fails for a while lets the others go on. Postgres is played."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.repair_record import Repair
from carewire_dispatcher.adapters.repair_runner import RepairRunner
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import KafkaUnavailable

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
COUNTS = ("total", "looked_at", "taken", "skipped", "unreadable")
NOTHING = ("care_flow_id", "delivery_id", "event_from", "event_to", "reason", "created_by", "ended_at")


class Table:
    """The table of repairs: when each is due."""

    def __init__(self, **due: datetime) -> None:
        self.due = due

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Table"]:
        yield self

    async def fetchrow(self, _: str, now: datetime) -> dict[str, Any] | None:
        due = sorted((at, repair_id) for repair_id, at in self.due.items() if at <= now)
        if not due:
            return None
        known = {"kind": "replay", "which": "all", "state": "waiting", "endpoint_id": None, "epoch": 1}
        rest = {"progress": {}, "claims": False, "next_step_at": due[0][0], "created_at": NOON}
        return {"id": due[0][1]} | known | rest | dict.fromkeys(COUNTS, 0) | dict.fromkeys(NOTHING)

    async def execute(self, _: str, repair_id: str, at: datetime) -> None:
        self.due[repair_id] = at


class Steps:
    """Does the steps of one repair, and fails at all others."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.done: list[str] = []

    async def do(self, _: object, repair: Repair) -> None:
        if repair.id == "stuck":
            raise KafkaUnavailable("a partition is away")
        self.done.append(repair.id)
        del self.table.due[repair.id]


async def test_a_repair_that_fails_for_a_while_lets_the_others_go_on_and_is_tried_again() -> None:
    clock, table = FakeClock(NOON), Table(stuck=NOON - timedelta(seconds=9), other=NOON)
    steps = Steps(table)
    runner = RepairRunner(cast("Any", table), cast("Any", steps), Topics(), clock)
    with pytest.raises(KafkaUnavailable):
        await runner.step()
    assert await runner.step()
    assert steps.done == ["other"]
    assert not await runner.step()
    clock.advance(1)
    with pytest.raises(KafkaUnavailable):
        await runner.step()
