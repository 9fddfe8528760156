"""`patient.*`: a patient was created, updated or deleted (reference, section 1.3).

Documents say `patient.id`, consumers read `patient.user.id`: both are written, either is read.
"""

from typing import Literal

from carewire_contracts.events.pathway import PatientIdentifier
from carewire_contracts.events.personal_data import Personal
from carewire_contracts.timestamps import Timestamp
from carewire_contracts.wire import Message


class Address(Message):
    """A postal address."""

    street: Personal[str | None] = None
    city: Personal[str | None] = None
    zip: Personal[str | None] = None
    state: Personal[str | None] = None
    country: str | None = None


class PatientProfile(Message):
    """Everything known of a patient; each field may be missing."""

    identifier: tuple[PatientIdentifier, ...] = ()
    email: Personal[str | None] = None
    first_name: Personal[str | None] = None
    last_name: Personal[str | None] = None
    name: Personal[str | None] = None
    sex: Personal[str | None] = None
    birth_date: Personal[str | None] = None
    phone: Personal[str | None] = None
    mobile_phone: Personal[str | None] = None
    preferred_language: str | None = None
    patient_code: Personal[str | None] = None
    national_registry_number: Personal[str | None] = None
    patient_timezone: str | None = None
    address: Address | None = None


class PatientUser(Message):
    """The patient as consumers of the reference read it."""

    id: str
    tenant_id: str
    profile_id: str | None = None


class Patient(Message):
    """A patient and their profile."""

    id: str | None = None
    user: PatientUser | None = None
    profile: PatientProfile | None = None


class PatientCreated(Message):
    """A patient was created."""

    event_type: Literal["patient.created"] = "patient.created"
    patient: Patient
    tenant_id: str | None = None
    date: Timestamp | None = None


class PatientUpdated(Message):
    """A patient's profile or identifiers changed."""

    event_type: Literal["patient.updated"] = "patient.updated"
    patient: Patient
    tenant_id: str | None = None
    date: Timestamp | None = None


class PatientDeleted(Message):
    """A patient was deleted."""

    event_type: Literal["patient.deleted"] = "patient.deleted"
    patient: Patient
    tenant_id: str | None = None
    date: Timestamp | None = None
