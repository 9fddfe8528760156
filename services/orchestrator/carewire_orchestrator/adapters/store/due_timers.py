"""Timers that are due: taken from their table, and said to their care flows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from carewire_orchestrator.adapters.store.changes import Changes
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.adapters.store.timeline import Cause
from carewire_orchestrator.domain.advance import Refusal, advance
from carewire_orchestrator.domain.care_flow_document import read_care_flow
from carewire_orchestrator.domain.events import TimerDue
from carewire_orchestrator.domain.profile import NOTHING_KNOWN
from carewire_orchestrator.domain.timeline import WHAT
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.telemetry.tracing import span


class DueTimers:
    """Says to care flows that their timers are due, each in the transaction that forgets it."""

    def __init__(self, db: Database, identities: Identities, releases: Releases, changes: Changes) -> None:
        self._db = db
        self._identities = identities
        self._releases = releases
        self._changes = changes

    async def next_at(self) -> datetime | None:
        """When the first timer is due, if there is any. Raises DatabaseError."""
        # Asked all the time, mostly in vain, and so without the statements that a transaction takes besides.
        async with self._db.connection() as connection:
            due_at: datetime | None = await connection.fetchval(QUERIES.next_timer_due)
        return due_at

    async def take(self, now: datetime, limit: int) -> list[float]:
        """Say up to `limit` timers that are due, the oldest first; answers how late each was, in seconds.

        Raises DatabaseError; then none has been said.
        """
        with span("orchestrator.take_timers") as current:
            async with self._db.transaction() as connection:
                rows = await connection.fetch(QUERIES.lock_due_timers, now, limit)
                if rows:
                    await self._say_all(connection, rows, now)
            current.set("timers", len(rows))
        return [(now - row["due_at"]).total_seconds() for row in rows]

    async def _say_all(self, connection: Connection, rows: Sequence[Any], now: datetime) -> None:
        await connection.executemany(QUERIES.take_timer, [(row["care_flow_id"], row["id"], now) for row in rows])
        care_flows = {row["care_flow_id"]: read_care_flow(row["document"]) for row in rows}
        releases = await self._releases.load(connection, {one.release_id for one in care_flows.values()})
        identifiers = await self._identities.of_patients(connection, [one.patient_id for one in care_flows.values()])
        asking = [(releases[one.release_id], one) for one in care_flows.values()]
        profiles = await self._identities.profiles_asked_for(connection, asking)
        batch = await self._changes.batch(connection, list(care_flows), now)
        for row in rows:
            care_flow = care_flows[row["care_flow_id"]]
            release = releases[care_flow.release_id]
            profile = profiles.get(care_flow.patient_id, NOTHING_KNOWN)
            advanced = advance(release, care_flow, TimerDue(row["id"]), now, profile)
            # One that the care flow does not wait for any more was cancelled while its row was read.
            if isinstance(advanced, Refusal):
                continue
            told = identifiers.get(care_flow.patient_id, ())
            cause = Cause("timer", row["id"])
            care_flows[care_flow.id] = batch.advance(release, advanced, told, WHAT[TimerDue], cause)
        await batch.write(connection)
