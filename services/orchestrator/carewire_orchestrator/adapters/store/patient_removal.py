"""Deleting patients, so that nobody finds them any more, and bringing them back until they are erased."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from carewire_orchestrator.adapters.store.patient_changes import DELETE, LOOK, RESTORE, Change, PatientChanges
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.events import CareFlowEvent, Stopped
from carewire_orchestrator.domain.patient import Patient
from carewire_orchestrator.domain.patient_identifiers import remove, taken_by_others
from carewire_orchestrator.errors import IdentifiersTaken, NotAllowedNow, NotFound
from carewire_runtime.auth import Principal

ACTIVE_CARE_FLOWS: Final = "active_care_flows"
_REASON: Final = "the patient was deleted"
_MOST_ROUNDS: Final = 5
"""Care flows may start while others are stopped; more rounds than this and somebody has to look at who starts them."""

_TAKEN: Final = (
    "other patients have got some of the identifiers meanwhile; restore with leave_taken_identifiers, then merge them "
    "if they are one person (POST /v1/patients/{patient_id}/merge)"
)

LetHappen = Callable[[str, CareFlowEvent, Principal], Awaitable[object]]
"""Lets something happen to a care flow. Raises NotAllowedNow where it has ended, NotFound where it was deleted."""


class PatientRemoval:
    """Deletes and restores patients. Each is told as an event and recorded."""

    def __init__(self, changes: PatientChanges, let: LetHappen, restorable_for: timedelta) -> None:
        self._changes = changes
        self._rows = changes.rows
        self._let = let
        self._restorable_for = restorable_for

    async def delete(self, patient_id: str, by: Principal) -> Patient:
        """Delete a patient who has no active care flow; nothing happens where they are deleted already.

        Raises NotFound, NotAllowedNow, or a DatabaseError.
        """

        async def work(change: Change) -> Patient:
            patient = await self._named(change, patient_id)
            if patient.is_deleted:
                change.did(LOOK, patient.id)
                return patient
            if await change.connection.fetch(QUERIES.active_care_flows, patient.id):
                raise NotAllowedNow(
                    ACTIVE_CARE_FLOWS, "the patient has active care flows; stop them, or delete with stop_care_flows"
                )
            erase_after = change.now + self._restorable_for
            await change.connection.execute(QUERIES.delete_patient, patient.id, change.now, erase_after)
            change.tell_deleted(patient.id)
            change.did(DELETE, patient.id)
            return patient.gone(change.now, erase_after)

        return await self._changes.make(by, work)

    async def stop_and_delete(self, patient_id: str, by: Principal) -> Patient:
        """Stop a patient's care flows, each for itself, and delete the patient then. Raises as `delete` does."""
        for _ in range(_MOST_ROUNDS):
            try:
                return await self.delete(patient_id, by)
            except NotAllowedNow as refusal:
                if refusal.code != ACTIVE_CARE_FLOWS:
                    raise
            for care_flow_id in await self._changes.active_care_flows(patient_id):
                await self._stop_unless_ended(care_flow_id, by)
        return await self.delete(patient_id, by)

    async def _stop_unless_ended(self, care_flow_id: str, by: Principal) -> None:
        try:
            await self._let(care_flow_id, Stopped(_REASON), by)
        except (NotAllowedNow, NotFound):
            # It ended or was deleted meanwhile; what did not is found in the next round.
            return

    async def restore(self, patient_id: str, by: Principal, *, leave_taken: bool) -> Patient:
        """Bring a deleted patient back, with their identifiers; nothing happens where they are there.

        Identifiers that others got meanwhile are left to them with `leave_taken`. Raises NotFound, NotAllowedNow,
        IdentifiersTaken, or a DatabaseError.
        """

        async def work(change: Change) -> Patient:
            patient = await self._named(change, patient_id)
            if not patient.is_deleted:
                change.did(LOOK, patient.id)
                return patient
            fingerprints = tuple(patient.identifiers)
            owners = await self._changes.identities.owners(change.connection, fingerprints)
            taken = taken_by_others(fingerprints, owners, None)
            if taken.places and not leave_taken:
                raise IdentifiersTaken([f"identifiers.{place}" for place in taken.places], taken.owners, _TAKEN)
            await change.connection.execute(QUERIES.restore_patient, patient.id)
            back = patient.back(remove(patient.identifiers, owners).whole)
            change.tell_updated(back)
            change.did(RESTORE, patient.id)
            return back

        return await self._changes.make(by, work)

    async def _named(self, change: Change, patient_id: str) -> Patient:
        """The very patient who was named: to delete the one whom they were merged into takes that one's own id."""
        [patient] = await self._rows.lock(change.connection, [patient_id])
        if patient.id != patient_id:
            raise NotAllowedNow("patient_merged", "the patient was merged into another; name that one")
        return patient
