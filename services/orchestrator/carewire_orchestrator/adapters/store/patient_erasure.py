"""Erasing deleted patients when their time has come, a few at a time, by as many processes as there are.

Whatever tells of them in this service goes: identifiers, profile, search keys, care flows with activities and data
points. Start keys stay, or a repeated call would start a care flow anew; they hold our own ids and nothing else.
"""

import asyncio
from typing import Final

from carewire_orchestrator.adapters.store.patient_changes import ERASE, SUBJECT
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal, Role
from carewire_runtime.clock import Clock
from carewire_runtime.periodic import every
from carewire_runtime.postgres.pool import Database
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

EVERY_S: Final = 60.0
BATCH: Final = 20
"""Patients at once: with some hundred rows each, a transaction of some tens of milliseconds."""
ERASER: Final = Principal("carewire", "erasure of patients", Role.ADMIN)
"""Who the audit says did it: nobody's key."""

_log = logger("patient_erasure")


class PatientErasure:
    """A component that erases patients. `events_topic` is where events of patients go."""

    name = "patient-erasure"

    def __init__(self, db: Database, audit: Audit, clock: Clock, events_topic: str) -> None:
        self._db = db
        self._audit = audit
        self._clock = clock
        self._events_topic = events_topic

    async def run(self, stop: asyncio.Event) -> None:
        """Erase at once and then each minute until asked to stop. Raises errors that do not pass by themselves."""

        async def erase_all() -> None:
            while await self.erase() == BATCH and not stop.is_set():
                pass

        await every(EVERY_S, erase_all, stop, self._clock, what="patient_erasure")

    async def erase(self) -> int:
        """Erase some patients whose time has come; returns how many."""
        async with self._db.transaction() as connection:
            rows = await connection.fetch(QUERIES.claim_erasures, self._clock.now(), BATCH)
            claimed = [row["id"] for row in rows]
            if not claimed:
                return 0
            # Whoever was merged into them is them.
            everybody = [row["id"] for row in await connection.fetch(QUERIES.merged_into_patients, claimed)]
            keys = [patient_id.encode() for patient_id in everybody]
            await connection.execute(QUERIES.erase_care_flows, everybody)
            await connection.execute(QUERIES.erase_unpublished, self._events_topic, keys)
            await connection.execute(QUERIES.erase_patients, everybody)
            await self._audit.add(connection, ERASER, [Deed(ERASE, SUBJECT, one) for one in everybody])
        metrics.ROWS_EXPIRED.add(len(claimed), what="patients")
        _log.info("patients_erased", count=len(claimed))
        return len(claimed)
