"""/v1/patients."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from carewire_contracts.identifiers import Identifier
from carewire_orchestrator.adapters.store.reading import PatientRecord, Reading
from carewire_runtime.auth import Principal, Role, require


class IdentifierBody(BaseModel):
    """A pair of system and value."""

    model_config = ConfigDict(hide_input_in_errors=True)

    system: Annotated[str, Field(min_length=1, max_length=512)]
    value: Annotated[str, Field(min_length=1, max_length=512, repr=False)]

    def identifier(self) -> Identifier:
        """The identifier."""
        return Identifier(self.system, self.value)


class IdentifierView(BaseModel):
    """An identifier; the value is null for those who may not see it."""

    system: str
    value: str | None


class AddressView(BaseModel):
    """A postal address, as far as it is known."""

    street: str | None = None
    city: str | None = None
    zip: str | None = None
    state: str | None = None
    country: str | None = None


class ProfileView(BaseModel):
    """What is known of a patient beside identifiers: what the call said that created them."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    sex: str | None = None
    birth_date: str | None = None
    phone: str | None = None
    mobile_phone: str | None = None
    preferred_language: str | None = None
    patient_code: str | None = None
    national_registry_number: str | None = None
    patient_timezone: str | None = None
    address: AddressView | None = None


class PatientView(BaseModel):
    """A patient; without identifiers they are anonymous. The profile is null for those who may not see it."""

    id: str
    created_at: datetime
    identifiers: list[IdentifierView]
    profile: ProfileView | None


def patients_router(reading: Reading) -> APIRouter:
    """Routes of patients."""
    router = APIRouter(prefix="/v1/patients", tags=["patients"])

    @router.get("/{patient_id}", summary="A patient; values of identifiers and the profile for operators only")
    async def find(patient_id: str, who: Annotated[Principal, Depends(require(Role.VIEWER))]) -> PatientView:
        return _view(await reading.patient(patient_id), shown=who.role.rank >= Role.OPERATOR.rank)

    @router.post(
        "/search",
        summary="The patient who has an identifier (by POST, so that no URL holds it)",
        dependencies=[Depends(require(Role.OPERATOR))],
    )
    async def search(body: IdentifierBody) -> PatientView:
        return _view(await reading.patient_by_identifier(body.identifier()), shown=True)

    return router


def _view(patient: PatientRecord, *, shown: bool) -> PatientView:
    identifiers = [
        IdentifierView(system=identifier.system, value=identifier.value if shown else None)
        for identifier in patient.identifiers
    ]
    profile = ProfileView.model_validate(patient.profile.reveal()) if shown else None
    return PatientView(id=patient.id, created_at=patient.created_at, identifiers=identifiers, profile=profile)
