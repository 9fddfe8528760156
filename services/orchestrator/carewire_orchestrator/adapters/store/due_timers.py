"""Timers that are due: taken from their table, and said to their care flows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.care_flows import save_care_flow
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.domain.advance import Refusal, advance
from carewire_orchestrator.domain.care_flow_document import read_care_flow
from carewire_orchestrator.domain.events import TimerDue
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.telemetry.tracing import span


class DueTimers:
    """Says to care flows that their timers are due, each in the transaction that forgets it."""

    def __init__(self, db: Database, identities: Identities, releases: Releases, publishing: Publishing) -> None:
        self._db = db
        self._identities = identities
        self._releases = releases
        self._publishing = publishing

    async def take(self, now: datetime, limit: int) -> list[float]:
        """Say up to `limit` timers that are due, the oldest first; answers how late each was, in seconds.

        Raises DatabaseError; then none has been said.
        """
        with span("orchestrator.take_timers") as current:
            async with self._db.transaction() as connection:
                rows = await connection.fetch(QUERIES.lock_due_timers, now, limit)
                if rows:
                    await self._say_all(connection, rows, now, current.traceparent)
            current.set("timers", len(rows))
        return [(now - row["due_at"]).total_seconds() for row in rows]

    async def _say_all(
        self, connection: Connection, rows: Sequence[Any], now: datetime, traceparent: str | None
    ) -> None:
        await connection.execute(QUERIES.take_timers, [row["id"] for row in rows], now)
        care_flows = {row["care_flow_id"]: read_care_flow(row["document"]) for row in rows}
        releases = await self._releases.load(connection, {one.release_id for one in care_flows.values()})
        identifiers = await self._identities.of_patients(connection, [one.patient_id for one in care_flows.values()])
        records = []
        for row in rows:
            care_flow = care_flows[row["care_flow_id"]]
            release = releases[care_flow.release_id]
            advanced = advance(release, care_flow, TimerDue(row["id"]), now)
            # One that the care flow does not wait for any more was cancelled while its row was read.
            if isinstance(advanced, Refusal):
                continue
            care_flows[care_flow.id] = advanced.care_flow
            await save_care_flow(connection, advanced)
            told = identifiers.get(care_flow.patient_id, ())
            records += self._publishing.advanced(release, advanced, told, now, traceparent)
        await outbox.add(connection, records)
