"""A change of patients: one transaction of rows, events and audit records, done anew where somebody was quicker."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, TypeVar

from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.patient_rows import ChangedWhileLocking, PatientRows
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.announcing import Announcement, announce_patient
from carewire_orchestrator.domain.patient import Patient
from carewire_orchestrator.domain.patient_events import announce_patient_deleted, announce_patient_updated
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.errors import PostgresUnavailable
from carewire_runtime.ids import new_id
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.relay import Relay
from carewire_runtime.telemetry.tracing import current_traceparent

SUBJECT: Final = "patient"
CREATE: Final = "patient.create"
LOOK: Final = "patient.look"
UPDATE: Final = "patient.update"
CHANGE_IDENTIFIERS: Final = "patient.change_identifiers"
MERGE: Final = "patient.merge"
MERGED_AWAY: Final = "patient.merged_away"
DELETE: Final = "patient.delete"
RESTORE: Final = "patient.restore"
ERASE: Final = "patient.erase"

_MOST_ATTEMPTS: Final = 20
"""Each that fails means that another change of the same patients got through. So many in a row, and the caller is told
to try again."""

T = TypeVar("T")


class Change:
    """A change under way: where it writes, and what it will have told. Its moment is one."""

    def __init__(self, connection: Connection, publishing: Publishing, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.deeds: list[Deed] = []
        self.records: list[OutboxRecord] = []
        self._id = new_id()
        self._publishing = publishing

    def did(self, action: str, patient_id: str) -> None:
        """Have the audit tell what was done to a patient."""
        self.deeds.append(Deed(action, SUBJECT, patient_id))

    def tell_created(self, patient: Patient) -> None:
        """Tell that a patient came into being."""
        told = announce_patient(
            patient.id,
            tenant_id=self._publishing.tenant_id,
            identifiers=patient.identifiers.values(),
            profile=patient.profile,
            now=self.now,
        )
        self._tell(told, patient.id)

    def tell_updated(self, patient: Patient) -> None:
        """Tell all that is known of a patient now."""
        told = announce_patient_updated(
            patient.id,
            self._id,
            tenant_id=self._publishing.tenant_id,
            identifiers=patient.identifiers.values(),
            profile=patient.profile,
            now=self.now,
        )
        self._tell(told, patient.id)

    def tell_deleted(self, patient_id: str) -> None:
        """Tell that a patient is not there any more."""
        told = announce_patient_deleted(patient_id, self._id, tenant_id=self._publishing.tenant_id, now=self.now)
        self._tell(told, patient_id)

    def _tell(self, told: Announcement, patient_id: str) -> None:
        self.records.append(self._publishing.patient(told, patient_id, self.now, current_traceparent()))


class PatientChanges:
    """Makes changes of patients."""

    def __init__(
        self,
        db: Database,
        identities: Identities,
        publishing: Publishing,
        relay: Relay,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self.identities = identities
        self.rows = PatientRows(identities)
        self._db = db
        self._publishing = publishing
        self._relay = relay
        self._audit = audit
        self._clock = clock

    async def make(self, by: Principal, work: Callable[[Change], Awaitable[T]]) -> T:
        """Do some work in a transaction, as often as it finds that somebody else changed its patients meanwhile.

        Raises what the work raises, or a DatabaseError; then nothing was changed.
        """
        for _ in range(_MOST_ATTEMPTS):
            try:
                done = await self._attempt(by, work)
            except ChangedWhileLocking:
                continue
            self._relay.wake()
            return done
        raise PostgresUnavailable

    async def active_care_flows(self, patient_id: str) -> list[str]:
        """The care flows of a patient that have not ended, as of now."""
        async with self._db.connection() as connection:
            return [row["id"] for row in await connection.fetch(QUERIES.active_care_flows, patient_id)]

    async def _attempt(self, by: Principal, work: Callable[[Change], Awaitable[T]]) -> T:
        async with self._db.transaction() as connection:
            change = Change(connection, self._publishing, self._clock.now())
            done = await work(change)
            await self._audit.add(connection, by, change.deeds)
            await outbox.add(connection, change.records)
        return done
