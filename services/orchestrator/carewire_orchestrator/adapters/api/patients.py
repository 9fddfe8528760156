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


class PatientView(BaseModel):
    """A patient; without identifiers they are anonymous."""

    id: str
    created_at: datetime
    identifiers: list[IdentifierView]


def patients_router(reading: Reading) -> APIRouter:
    """Routes of patients."""
    router = APIRouter(prefix="/v1/patients", tags=["patients"])

    @router.get("/{patient_id}", summary="A patient; values of identifiers for operators only")
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
    return PatientView(id=patient.id, created_at=patient.created_at, identifiers=identifiers)
