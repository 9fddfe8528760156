"""`pathway.*`: a care flow started, stopped, completed or was deleted (reference, sections 1.2 and 1.3)."""

from typing import Literal

from carewire_contracts.events.personal_data import Personal
from carewire_contracts.events.sequence_number import SequenceNumber
from carewire_contracts.timestamps import Timestamp
from carewire_contracts.wire import Message


class PatientIdentifier(Message):
    """A pair of system and value, as a FHIR Identifier."""

    system: str
    value: Personal[str]


class Pathway(Message):
    """The care flow that an event belongs to. The last three fields are absent where the reference lacks them."""

    id: str
    pathway_definition_id: str
    patient_id: str
    start_date: Timestamp
    patient_identifiers: tuple[PatientIdentifier, ...] = ()
    tenant_id: str | None = None
    pathway_title: str | None = None


class PathwayStarted(Message):
    """A care flow started."""

    event_type: Literal["pathway.started"] = "pathway.started"
    start_date: Timestamp
    pathway: Pathway
    sequence: SequenceNumber = None


class PathwayStopped(Message):
    """A care flow was stopped: its open activities are cancelled, and it never completes."""

    event_type: Literal["pathway.stopped"] = "pathway.stopped"
    stop_date: Timestamp
    reason: Personal[str | None] = None
    pathway: Pathway
    sequence: SequenceNumber = None


class PathwayCompleted(Message):
    """A care flow ran to its end."""

    event_type: Literal["pathway.completed"] = "pathway.completed"
    complete_date: Timestamp
    pathway: Pathway
    sequence: SequenceNumber = None


class PathwayDeleted(Message):
    """A care flow was deleted; an active one is stopped first."""

    event_type: Literal["pathway.deleted"] = "pathway.deleted"
    delete_date: Timestamp
    title: str
    patient_id: str
    pathway: Pathway
    sequence: SequenceNumber = None
