"""Patients as people look at them, each look on record.

A page for somebody who may not see values names patients by our own ids and is not recorded; whoever looks at one
patient, or sees values, is.
"""

from collections.abc import Sequence

from carewire_contracts.identifiers import Identifier
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.patient_changes import LOOK, SUBJECT
from carewire_orchestrator.adapters.store.patient_rows import PatientRows
from carewire_orchestrator.adapters.store.patients import raise_if_deleted
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.patient import Patient
from carewire_orchestrator.domain.patient_search import SearchKind
from carewire_orchestrator.errors import NotFound
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.postgres.pool import Connection, Database


class PatientReading:
    """Looks patients up. Every method raises a DatabaseError or SealingError."""

    def __init__(self, db: Database, identities: Identities, audit: Audit) -> None:
        self._db = db
        self._identities = identities
        self._rows = PatientRows(identities)
        self._audit = audit

    async def find(self, patient_id: str, by: Principal) -> Patient:
        """A patient by id; by the id of one who was merged, the one who stays. Raises NotFound or Gone."""
        async with self._db.transaction() as connection:
            return await self._look(connection, patient_id, by)

    async def find_by_identifier(self, identifier: Identifier, by: Principal) -> Patient:
        """The patient who has an identifier. Raises NotFound."""
        fingerprint = self._identities.fingerprint(identifier)
        async with self._db.transaction() as connection:
            owners = await self._identities.owners(connection, [fingerprint])
            if fingerprint not in owners:
                raise NotFound("no patient has this identifier")
            return await self._look(connection, owners[fingerprint], by)

    async def search(self, kind: SearchKind, key: str, after: str | None, limit: int, by: Principal) -> list[Patient]:
        """A page of patients of whom something is known, newest first."""
        fingerprint = self._identities.search_fingerprint(kind, key)
        async with self._db.transaction() as connection:
            rows = await connection.fetch(QUERIES.patients_by_search_key, kind, fingerprint, after, limit)
            return await self._show(connection, [row["id"] for row in rows], by)

    async def page(self, after: str | None, limit: int, shown_to: Principal | None) -> list[Patient]:
        """A page of all patients, newest first; with their values only where somebody is shown them."""
        async with self._db.transaction() as connection:
            ids = [row["id"] for row in await connection.fetch(QUERIES.patients, after, limit)]
            if shown_to is None:
                return await self._rows.read(connection, ids)
            return await self._show(connection, ids, shown_to)

    async def deleted(self, after: str | None, limit: int) -> list[Patient]:
        """A page of patients who can be restored, newest first, without their values."""
        async with self._db.connection() as connection:
            return [Patient(**row) for row in await connection.fetch(QUERIES.deleted_patients, after, limit)]

    async def _look(self, connection: Connection, patient_id: str, by: Principal) -> Patient:
        patient = await self._survivor(connection, patient_id)
        raise_if_deleted(patient)
        await self._audit.add(connection, by, [Deed(LOOK, SUBJECT, patient.id)])
        return patient

    async def _survivor(self, connection: Connection, patient_id: str) -> Patient:
        while True:
            survivors = await self._rows.survivors(connection, [patient_id])
            patients = await self._rows.read(connection, list(survivors.values()))
            # Between the two statements somebody may have erased them, or merged them into others.
            if not patients:
                raise NotFound("there is no such patient")
            if patients[0].merged_into is None:
                return patients[0]

    async def _show(self, connection: Connection, patient_ids: Sequence[str], by: Principal) -> list[Patient]:
        patients = await self._rows.read(connection, patient_ids)
        await self._audit.add(connection, by, [Deed(LOOK, SUBJECT, patient.id) for patient in patients])
        return patients
