"""/v1/patients. Nothing that tells of a patient stands in a URL; each look and change is recorded in the audit."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from carewire_orchestrator.adapters.api.callers import Admin, Operator, Viewer
from carewire_orchestrator.adapters.api.paging import Cursor, Limit, Page, page_of
from carewire_orchestrator.adapters.api.patient_forms import (
    DeletedView,
    IdentifierBody,
    IdentifiersBody,
    MergeBody,
    MergedView,
    NewPatient,
    PatientView,
    ProfileBody,
    ProfileChangeBody,
    RestoreBody,
    SearchBody,
    UpsertBody,
    UpsertedView,
    view_deleted,
    view_patient,
)
from carewire_orchestrator.adapters.store.patient_merging import PatientMerging
from carewire_orchestrator.adapters.store.patient_reading import PatientReading
from carewire_orchestrator.adapters.store.patient_removal import PatientRemoval
from carewire_orchestrator.adapters.store.patients import Patients
from carewire_orchestrator.domain.patient_profile import ProfileChange, read_profile_change
from carewire_orchestrator.domain.patient_search import SearchKind, name_and_birth_date, patient_code
from carewire_orchestrator.errors import InvalidValues
from carewire_runtime.auth import Role
from carewire_runtime.http.traced import traced

_ALSO: Final[dict[str, dict[int | str, dict[str, Any]]]] = {
    "/upsert": {201: {"description": "The patient was created", "model": UpsertedView}}
}
"""How a route may end well beside its usual way."""

_StopCareFlows = Annotated[bool, Query(description="stop the patient's active care flows first")]


class PatientApi:
    """Routes of patients. `today` says which birth dates lie in the future."""

    def __init__(
        self,
        reading: PatientReading,
        patients: Patients,
        merging: PatientMerging,
        removal: PatientRemoval,
        today: Callable[[], date],
    ) -> None:
        self._reading = reading
        self._patients = patients
        self._merging = merging
        self._removal = removal
        self._today = today

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/v1/patients", tags=["patients"], dependencies=[Depends(traced)])
        routes = (
            ("POST", "", self.create, "Create a patient", 201),
            ("GET", "", self.page, "List patients, newest first; values for operators only", 200),
            ("POST", "/upsert", self.upsert, "Change the patient who has an identifier, or create them", 200),
            ("POST", "/by-identifier", self.by_identifier, "The patient who has an identifier", 200),
            ("POST", "/search", self.search, "Patients of a name and birth date, or of a patient code", 200),
            ("GET", "/deleted", self.deleted, "List patients who can be restored, newest first", 200),
            ("GET", "/{patient_id}", self.find, "A patient; values for operators only", 200),
            ("PATCH", "/{patient_id}", self.change, "Change what is known of a patient", 200),
            ("DELETE", "/{patient_id}", self.delete, "Delete a patient; they can be restored for a while", 200),
            ("POST", "/{patient_id}/restore", self.restore, "Bring a deleted patient back", 200),
            ("POST", "/{patient_id}/merge", self.merge, "Merge another patient into this one, for good", 200),
            ("POST", "/{patient_id}/identifiers", self.add_identifier, "Add an identifier", 200),
            ("PUT", "/{patient_id}/identifiers", self.replace_identifiers, "Replace all identifiers", 200),
            ("POST", "/{patient_id}/identifiers/remove", self.remove_identifier, "Remove an identifier", 200),
        )
        for method, path, serve, summary, status in routes:
            also = _ALSO.get(path)
            router.add_api_route(path, serve, methods=[method], status_code=status, summary=summary, responses=also)
        return router

    async def create(self, body: NewPatient, who: Operator) -> PatientView:
        """Make a patient. An identifier that somebody has is a conflict: upsert to change whoever has it."""
        identifiers = [one.identifier() for one in body.identifiers]
        return view_patient(await self._patients.create(identifiers, self._change(body.profile), who))

    async def page(self, who: Viewer, limit: Limit = 50, cursor: Cursor = None) -> Page[PatientView]:
        """All patients but those who were deleted or merged into others."""
        shown = who.role.rank >= Role.OPERATOR.rank
        found = await self._reading.page(cursor, limit + 1, who if shown else None)
        return page_of([view_patient(one, shown=shown) for one in found], limit, lambda patient: patient.id)

    async def upsert(self, body: UpsertBody, who: Operator, answer: Response) -> UpsertedView:
        """The patient gets all of the identifiers. Identifiers of different patients are a conflict."""
        identifiers = [one.identifier() for one in body.identifiers]
        patient, created = await self._patients.upsert(identifiers, self._change(body.profile), who)
        answer.status_code = 201 if created else 200
        return UpsertedView(created=created, patient=view_patient(patient))

    async def by_identifier(self, body: IdentifierBody, who: Operator) -> PatientView:
        """By POST, so that no URL holds the identifier."""
        return view_patient(await self._reading.find_by_identifier(body.identifier(), who))

    async def search(
        self, body: SearchBody, who: Operator, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[PatientView]:
        """The whole last name and birth date, or the whole patient code; case and accents do not matter."""
        kind, key = _sought(body)
        found = [] if key is None else await self._reading.search(kind, key, cursor, limit + 1, who)
        return page_of([view_patient(one) for one in found], limit, lambda patient: patient.id)

    async def deleted(self, _: Admin, limit: Limit = 50, cursor: Cursor = None) -> Page[DeletedView]:
        """Those who are not erased yet."""
        found = await self._reading.deleted(cursor, limit + 1)
        return page_of([view_deleted(one) for one in found], limit, lambda patient: patient.id)

    async def find(self, patient_id: str, who: Viewer) -> PatientView:
        """The id of a patient who was merged into another answers with the one who stays."""
        return view_patient(await self._reading.find(patient_id, who), shown=who.role.rank >= Role.OPERATOR.rank)

    async def change(self, patient_id: str, body: ProfileChangeBody, who: Operator) -> PatientView:
        """A field that is not given stays, one that is null or empty is cleared (JSON Merge Patch)."""
        return view_patient(await self._patients.change_profile(patient_id, self._change(body.profile), who))

    async def delete(self, patient_id: str, who: Admin, stop_care_flows: _StopCareFlows = False) -> DeletedView:
        """Nobody finds the patient any more, and a call with their identifiers makes a new one."""
        if stop_care_flows:
            return view_deleted(await self._removal.stop_and_delete(patient_id, who))
        return view_deleted(await self._removal.delete(patient_id, who))

    async def restore(self, patient_id: str, who: Admin, body: RestoreBody | None = None) -> PatientView:
        """With identifiers and profile; care flows that were stopped stay so."""
        leave_taken = body is not None and body.leave_taken_identifiers
        return view_patient(await self._removal.restore(patient_id, who, leave_taken=leave_taken))

    async def merge(self, patient_id: str, body: MergeBody, who: Admin) -> MergedView:
        """Identifiers and care flows go over, and what is known of the other alone. The other's id answers on."""
        merged = await self._merging.merge(patient_id, body.patient_id, who)
        moved = list(merged.moved_care_flow_ids)
        return MergedView(
            patient=view_patient(merged.patient), transferred_care_flow_ids=moved, transferred_count=len(moved)
        )

    async def add_identifier(self, patient_id: str, body: IdentifierBody, who: Operator) -> PatientView:
        """Nothing happens where the patient has it."""
        return view_patient(await self._patients.add_identifier(patient_id, body.identifier(), who))

    async def replace_identifiers(self, patient_id: str, body: IdentifiersBody, who: Operator) -> PatientView:
        """Those that are not given are removed, and free for others."""
        identifiers = [one.identifier() for one in body.identifiers]
        return view_patient(await self._patients.replace_identifiers(patient_id, identifiers, who))

    async def remove_identifier(self, patient_id: str, body: IdentifierBody, who: Operator) -> PatientView:
        """By POST, so that no URL holds the identifier. Nothing happens where the patient doesn't have it."""
        return view_patient(await self._patients.remove_identifier(patient_id, body.identifier(), who))

    def _change(self, profile: ProfileBody) -> ProfileChange:
        change = read_profile_change(profile.given(), self._today())
        if isinstance(change, list):
            raise InvalidValues(change)
        return change


def _sought(body: SearchBody) -> tuple[SearchKind, str | None]:
    if body.patient_code is not None:
        return SearchKind.PATIENT_CODE, patient_code(body.patient_code)
    return SearchKind.NAME_AND_BIRTH_DATE, name_and_birth_date(body.last_name or "", body.birth_date or "")
