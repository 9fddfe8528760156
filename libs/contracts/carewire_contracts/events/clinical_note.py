"""`clinical_note.created`: a note was generated (reference, section 1.3).

The reference's documents and consumers disagree on the id's name: both are written, either is read.
"""

from typing import Any, Literal

from carewire_contracts.events.pathway import Pathway
from carewire_contracts.events.personal_data import Personal
from carewire_contracts.events.sequence_number import SequenceNumber
from carewire_contracts.timestamps import Timestamp
from carewire_contracts.wire import Message


class Narrative(Message):
    """A section of the note; `body` is HTML."""

    id: str
    key: str
    title: str
    body: Personal[str]


class ClinicalNote(Message):
    """A note and the context it was written in."""

    id: str | None = None
    clinical_note_id: str | None = None
    date: Timestamp | None = None
    narratives: tuple[Narrative, ...]
    context: Personal[tuple[Any, ...]] = ()


class ClinicalNoteCreated(Message):
    """A clinical note was made."""

    event_type: Literal["clinical_note.created"] = "clinical_note.created"
    clinical_note: ClinicalNote
    pathway: Pathway
    pathway_definition_id: str | None = None
    pathway_id: str | None = None
    patient_id: str | None = None
    date: Timestamp | None = None
    sequence: SequenceNumber = None
