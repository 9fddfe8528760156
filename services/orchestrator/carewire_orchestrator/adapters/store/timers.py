"""Timers of care flows as rows, set and cancelled in the transaction of the change that asks for it."""

from collections.abc import Iterable
from datetime import datetime

from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.orders import TimerCancelled, TimerSet
from carewire_runtime.postgres.pool import Connection


async def keep_timers(connection: Connection, all_advanced: Iterable[Advanced]) -> None:
    """Do as the orders about timers say. Of several about one timer the last counts."""
    wanted: dict[tuple[str, str], datetime | None] = {}
    for advanced in all_advanced:
        for order in advanced.orders:
            if isinstance(order, TimerSet):
                wanted[advanced.care_flow.id, order.timer_id] = order.due_at
            elif isinstance(order, TimerCancelled):
                wanted[advanced.care_flow.id, order.timer_id] = None
    cancelled = [timer for timer, moment in wanted.items() if moment is None]
    kept = [(*timer, moment) for timer, moment in wanted.items() if moment is not None]
    if cancelled:
        await connection.executemany(QUERIES.cancel_timer, cancelled)
    if kept:
        await connection.execute(QUERIES.set_timers, *(list(column) for column in zip(*kept, strict=True)))
