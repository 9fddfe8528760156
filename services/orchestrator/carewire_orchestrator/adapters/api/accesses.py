"""Whoever looks at a patient's data is written down, before the answer leaves."""

from collections.abc import Iterable

from carewire_orchestrator.adapters.store.people import PATIENT
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.postgres.pool import Database


class Accesses:
    """Writes audit records of looks, one for each patient."""

    def __init__(self, db: Database, audit: Audit) -> None:
        self._db = db
        self._audit = audit

    async def note(self, by: Principal, action: str, patient_ids: Iterable[str]) -> None:
        """Write down who looked at whose data. Raises DatabaseError; then nothing may be answered."""
        deeds = [Deed(action, PATIENT, patient_id) for patient_id in dict.fromkeys(patient_ids)]
        if deeds:
            async with self._db.transaction() as connection:
                await self._audit.add(connection, by, deeds)
