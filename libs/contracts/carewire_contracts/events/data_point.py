"""`data_point.collected`: a new value of any data point (reference, section 1.3)."""

from typing import Any, Literal

from carewire_contracts.events.pathway import Pathway
from carewire_contracts.events.personal_data import Personal
from carewire_contracts.events.sequence_number import SequenceNumber
from carewire_contracts.timestamps import Timestamp
from carewire_contracts.wire import Message


class DataPoint(Message):
    """A collected value; `data_set_id` is the care flow's id, `valueType` is read in any case."""

    id: str
    data_point_definition_id: str
    valueType: str  # noqa: N815 - the reference's own spelling
    value: Personal[Any]
    data_set_id: str
    date: Timestamp
    tenant_id: str | None = None
    release_id: str | None = None
    label: Personal[str | None] = None
    definition_key: str | None = None
    definition_category: str | None = None


class DataPointCollected(Message):
    """A data point got a value."""

    event_type: Literal["data_point.collected"] = "data_point.collected"
    data_point: DataPoint
    pathway: Pathway | None = None
    pathway_definition_id: str | None = None
    pathway_id: str | None = None
    patient_id: str | None = None
    date: Timestamp | None = None
    sequence: SequenceNumber = None
