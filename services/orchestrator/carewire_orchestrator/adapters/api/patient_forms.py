"""What the API takes and gives of patients. Bodies forbid what they do not know: a misspelt field would be lost."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from carewire_contracts.identifiers import Identifier
from carewire_orchestrator.domain.patient import Patient

MOST_IDENTIFIERS: Final = 100
"""Of one patient in one call; people have a handful."""

_Text = Annotated[str | None, Field(max_length=1024, repr=False)]
"""Longer than any field may be: what is wrong with a value the rules of its field say better."""


class IdentifierBody(BaseModel):
    """A pair of system and value."""

    model_config = ConfigDict(
        hide_input_in_errors=True,
        json_schema_extra={"example": {"system": "https://north-clinic.example/mrn", "value": "NC-004217"}},
    )

    system: Annotated[str, Field(min_length=1, max_length=512)]
    value: Annotated[str, Field(min_length=1, max_length=512, repr=False)]

    def identifier(self) -> Identifier:
        """The identifier."""
        return Identifier(self.system, self.value)


Identifiers = Annotated[list[IdentifierBody], Field(max_length=MOST_IDENTIFIERS)]


class AddressBody(BaseModel):
    """A postal address; a field that is null or empty is cleared."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    street: _Text = None
    city: _Text = None
    zip: _Text = None
    state: _Text = None
    country: _Text = None


class ProfileBody(BaseModel):
    """What changes of a profile: a field that is not given stays, one that is null or empty is cleared."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    email: _Text = None
    first_name: _Text = None
    last_name: _Text = None
    name: _Text = None
    sex: Annotated[_Text, Field(description="MALE, FEMALE or NOT_KNOWN")] = None
    birth_date: Annotated[_Text, Field(description="a day, such as 1961-07-04")] = None
    phone: Annotated[_Text, Field(description="E.164, such as +3225550101")] = None
    mobile_phone: Annotated[_Text, Field(description="E.164, such as +3225550101")] = None
    preferred_language: Annotated[_Text, Field(description="a language tag (BCP 47), such as nl")] = None
    patient_code: _Text = None
    national_registry_number: _Text = None
    patient_timezone: Annotated[_Text, Field(description="a name of the IANA database")] = None
    address: AddressBody | None = None

    def given(self) -> dict[str, Any]:
        """The fields that were given, nulls included."""
        return self.model_dump(exclude_unset=True)


_EXAMPLE_PROFILE: Final[Any] = {"first_name": "Iris", "last_name": "Example", "birth_date": "1961-07-04"}
_EXAMPLE_IDENTIFIERS: Final[Any] = [{"system": "https://north-clinic.example/mrn", "value": "NC-004217"}]


class NewPatient(BaseModel):
    """A patient to make; without identifiers an anonymous one."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"example": {"identifiers": _EXAMPLE_IDENTIFIERS, "profile": _EXAMPLE_PROFILE}},
    )

    identifiers: Identifiers = []
    profile: ProfileBody = ProfileBody()


class UpsertBody(NewPatient):
    """Whom to find by any of the identifiers, and what they get; made where nobody has one."""

    identifiers: Annotated[list[IdentifierBody], Field(min_length=1, max_length=MOST_IDENTIFIERS)]


class IdentifiersBody(BaseModel):
    """All identifiers that the patient is to have."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"example": {"identifiers": _EXAMPLE_IDENTIFIERS}}
    )

    identifiers: Identifiers


class ProfileChangeBody(BaseModel):
    """What changes of a patient."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"example": {"profile": {"email": "iris@example.org", "phone": None}}},
    )

    profile: ProfileBody


class SearchBody(BaseModel):
    """Whom to look for: a last name with a birth date, or a patient code. Case and accents do not matter."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"example": {"last_name": "Example", "birth_date": "1961-07-04"}},
    )

    last_name: Annotated[str | None, Field(min_length=1, max_length=256, repr=False)] = None
    birth_date: Annotated[str | None, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", repr=False)] = None
    patient_code: Annotated[str | None, Field(min_length=1, max_length=256, repr=False)] = None

    @model_validator(mode="after")
    def _one_way_to_search(self) -> "SearchBody":
        given = [name for name in ("last_name", "birth_date", "patient_code") if getattr(self, name) is not None]
        if given not in (["last_name", "birth_date"], ["patient_code"]):
            raise ValueError("give last_name together with birth_date, or patient_code alone")
        return self


class MergeBody(BaseModel):
    """Who becomes part of the patient in the path."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"patient_id": "01995f3a-7c40-7a55-8c21-0b9d4e7f1203"}}
    )

    patient_id: Annotated[str, Field(max_length=128)]


class RestoreBody(BaseModel):
    """How to restore a patient."""

    model_config = ConfigDict(extra="forbid")

    leave_taken_identifiers: Annotated[
        bool, Field(description="come back without identifiers that other patients have got meanwhile")
    ] = False


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
    """What is known of a patient beside identifiers: what the call said that created them, and changes by hand."""

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
    """A patient; without identifiers they are anonymous. The profile is null for those who may not see it.

    The id of a patient who was merged answers with the one who stays.
    """

    id: str
    created_at: datetime
    identifiers: list[IdentifierView]
    profile: ProfileView | None


class UpsertedView(BaseModel):
    """The patient, and whether they were made just now."""

    created: bool
    patient: PatientView


class MergedView(BaseModel):
    """The patient who stayed, and the care flows that went over to them."""

    patient: PatientView
    transferred_care_flow_ids: list[str]
    transferred_count: int


class DeletedView(BaseModel):
    """A patient who can be restored until `restorable_until`, and is erased soon after."""

    id: str
    created_at: datetime
    deleted_at: datetime
    restorable_until: datetime


def view_patient(patient: Patient, *, shown: bool = True) -> PatientView:
    """Show a patient, with values or without."""
    identifiers = [
        IdentifierView(system=identifier.system, value=identifier.value if shown else None)
        for identifier in patient.identifiers.values()
    ]
    profile = ProfileView.model_validate(patient.profile) if shown else None
    return PatientView(id=patient.id, created_at=patient.created_at, identifiers=identifiers, profile=profile)


def view_deleted(patient: Patient) -> DeletedView:
    """Show a patient who was deleted."""
    return DeletedView.model_validate(
        {
            "id": patient.id,
            "created_at": patient.created_at,
            "deleted_at": patient.deleted_at,
            "restorable_until": patient.erase_after,
        }
    )
