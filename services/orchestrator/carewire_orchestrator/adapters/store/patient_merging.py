"""Merging two patients who are one person, in one transaction.

Both patients' identifiers and rows are locked, then the care flows of the one who goes, each in order. A care flow of
theirs that is about to start waits or is waited for, and one that runs goes on as the other's, with its sessions.
"""

from dataclasses import dataclass, replace

from carewire_orchestrator.adapters.store.patient_changes import LOOK, MERGE, MERGED_AWAY, Change, PatientChanges
from carewire_orchestrator.adapters.store.patients import patient_deleted
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.care_flow_document import read_care_flow, write_care_flow
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.domain.patient import Patient
from carewire_orchestrator.domain.patient_identifiers import add
from carewire_orchestrator.domain.patient_merge import AlreadyMerged, Merged, MergeRefusal, merge
from carewire_orchestrator.errors import InvalidValues, OrchestratorError
from carewire_runtime.auth import Principal
from carewire_runtime.postgres.pool import Connection


@dataclass(frozen=True, slots=True)
class Merging:
    """What a merge did: the one who stayed, and the care flows that went over to them."""

    patient: Patient
    moved_care_flow_ids: tuple[str, ...]


class PatientMerging:
    """Merges patients. It cannot be undone."""

    def __init__(self, changes: PatientChanges) -> None:
        self._changes = changes
        self._rows = changes.rows

    async def merge(self, kept_id: str, other_id: str, by: Principal) -> Merging:
        """Have one patient become part of another; nothing happens where they are already.

        Raises NotFound, Gone, InvalidValues, or a DatabaseError.
        """

        async def work(change: Change) -> Merging:
            kept, other = await self._rows.lock(change.connection, [kept_id, other_id])
            outcome = merge(kept_id, other_id, kept, other)
            if isinstance(outcome, Merged):
                return await self._write(change, kept, other, outcome.patient)
            if isinstance(outcome, AlreadyMerged):
                change.did(LOOK, outcome.patient.id)
                return Merging(outcome.patient, ())
            raise _refused(outcome)

        return await self._changes.make(by, work)

    async def _write(self, change: Change, kept: Patient, other: Patient, merged: Patient) -> Merging:
        connection = change.connection
        await self._rows.remove_identifiers(connection, tuple(other.identifiers))
        moved = add(kept.identifiers, other.identifiers)
        await self._rows.change_identifiers(connection, merged.id, moved, change.now)
        if merged.profile != kept.profile:
            await self._rows.save_profile(connection, merged)
        care_flow_ids = await _give_care_flows(connection, other.id, merged.id)
        await self._rows.remove_search_keys(connection, [other.id])
        await connection.execute(QUERIES.point_to_survivor, other.id, merged.id)
        change.tell_updated(merged)
        change.tell_deleted(other.id)
        change.did(MERGE, merged.id)
        change.did(MERGED_AWAY, other.id)
        return Merging(merged, care_flow_ids)


async def _give_care_flows(connection: Connection, from_id: str, to_id: str) -> tuple[str, ...]:
    rows = await connection.fetch(QUERIES.lock_care_flows_of_patient, from_id)
    given = [
        (row["id"], to_id, write_care_flow(replace(read_care_flow(row["document"]), patient_id=to_id))) for row in rows
    ]
    await connection.executemany(QUERIES.give_care_flow, given)
    ids = tuple(row["id"] for row in rows)
    await connection.execute(QUERIES.give_sessions, ids, to_id)
    return ids


def _refused(refusal: MergeRefusal) -> OrchestratorError:
    if refusal is MergeRefusal.SAME_PATIENT:
        return InvalidValues([ValueProblem("patient_id", "must be another patient than the one in the path")])
    return patient_deleted()
