"""Runs repairs, a step of each in turn: several processes may, and none waits for an endpoint that bears little."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.repair_record import Repair
from carewire_dispatcher.adapters.repair_step import RepairStep
from carewire_dispatcher.domain.repair import LIVING, Obstacle
from carewire_runtime.clock import Clock
from carewire_runtime.errors import CarewireError, ProducerFatal
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.queries import load_queries
from carewire_runtime.retry import is_retriable, pause_after
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

LOOK_EVERY_S: Final = 1.0
_LEFT_S: Final = 0.1
"""Until a second try where a step was due and another process was at it."""
CLAIMED_FOR: Final = timedelta(days=7)
"""How long claims stand after a repair ended. What is tried is over after a day; what was never tried is held after
three days of failing, when its endpoint is disabled."""
_WITHDRAW_EVERY_S: Final = 3_600.0

_log = logger("repair")
_queries = load_queries("carewire_dispatcher")


class RepairRunner:
    """A component. Whoever is killed leaves its repair to any other, at the step that was not saved."""

    name = "repair"

    def __init__(self, db: Database, step: RepairStep, topics: Topics, clock: Clock) -> None:
        self._db = db
        self._step = step
        self._claims = topics.repairs.name
        self._clock = clock
        self._withdraw_at = clock.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Run repairs until `stop` is set. Raises ProducerFatal; whatever else stops a repair stops it alone."""
        failures = 0
        while not stop.is_set():
            try:
                rest = await self._go_on()
                failures = 0
            except CarewireError as error:
                if not error.retriable:
                    raise
                failures += 1
                rest = pause_after(failures)
                metrics.RETRIES_IN_PLACE.add(what="repair")
                _log.warning("retrying", reason="repair", attempt=failures, wait_s=rest, error=error)
            await self._clock.sleep_unless(stop, rest)

    async def _go_on(self) -> float:
        """Do what is due; say for how many seconds there is nothing to do."""
        rest = await self._rest()
        if not rest and await self.step():
            return 0.0
        if self._clock.monotonic() >= self._withdraw_at:
            await self.withdraw()
            self._withdraw_at = self._clock.monotonic() + _WITHDRAW_EVERY_S
        return rest or _LEFT_S

    async def step(self) -> bool:
        """Do the step that is due for longest; say whether there was one. Raises KafkaError or DatabaseError."""
        repair: Repair | None = None
        try:
            async with self._db.transaction() as connection:
                row = await connection.fetchrow(_queries.take_due_repair, self._clock.now())
                if row is None:
                    return False
                repair = Repair.of(row)
                await self._step.do(connection, repair)
        except Exception as error:
            if repair is None or isinstance(error, ProducerFatal):
                raise
            if is_retriable(error):
                await self._put_off(repair)
                raise
            await self._give_up(repair, error)
        else:
            _tell(repair)
        return True

    async def _put_off(self, repair: Repair) -> None:
        """Take others first: what keeps this one may keep it for long, as a partition whose leader is away."""
        later = self._clock.now() + timedelta(seconds=LOOK_EVERY_S)
        async with self._db.transaction() as connection:
            await connection.execute(_queries.put_repair_off, repair.id, later)

    async def _give_up(self, repair: Repair, fault: Exception) -> None:
        """End a repair that would fail for ever: all others go on."""
        _log.error("repair_failed", endpoint_id=repair.endpoint_id, error=fault)
        async with self._db.transaction() as connection:
            await connection.execute(_queries.stop_repair, repair.id, Obstacle.FAULT, self._clock.now())

    async def _rest(self) -> float:
        # Asked all the time, mostly in vain, and so without the statements that a transaction takes besides.
        async with self._db.connection() as connection:
            due: datetime | None = await connection.fetchval(_queries.next_repair_step)
        if due is None:
            return LOOK_EVERY_S
        return min(LOOK_EVERY_S, max(0.0, (due - self._clock.now()).total_seconds()))

    async def withdraw(self) -> None:
        """Take claims back that have nothing to say any more. Raises DatabaseError."""
        async with self._db.transaction() as connection:
            rows = await connection.fetch(_queries.withdraw_claims, self._clock.now() - CLAIMED_FOR)
            await outbox.add(
                connection, [OutboxRecord(self._claims, str(row["id"]).encode(), None, []) for row in rows]
            )


def _tell(repair: Repair) -> None:
    if repair.state not in LIVING:
        outcome = str(repair.state)
        _log.info(
            "repair_ended", endpoint_id=repair.endpoint_id, outcome=outcome, reason=repair.reason, count=repair.taken
        )
