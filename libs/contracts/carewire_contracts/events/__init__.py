"""The 23 domain events of `carewire.events`, a module per family.

A flat JSON object with `event_type`, as in the reference (section 1); the same bytes are the Kafka value and
the body of the webhook.
"""

from typing import Annotated, Any, Final, get_args

from pydantic import Field, TypeAdapter

from carewire_contracts.events.activity import ActivityEvent
from carewire_contracts.events.clinical_note import ClinicalNoteCreated
from carewire_contracts.events.data_point import DataPointCollected
from carewire_contracts.events.form import FormSubmitted
from carewire_contracts.events.pathway import PathwayCompleted, PathwayDeleted, PathwayStarted, PathwayStopped
from carewire_contracts.events.patient import PatientCreated, PatientDeleted, PatientUpdated
from carewire_contracts.events.reminder import ReminderCreated
from carewire_contracts.events.session import SessionCompleted, SessionExpired, SessionStarted
from carewire_contracts.events.track import TrackEvent

AnyDomainEvent = Annotated[
    PathwayStarted
    | PathwayStopped
    | PathwayCompleted
    | PathwayDeleted
    | ActivityEvent
    | FormSubmitted
    | DataPointCollected
    | ReminderCreated
    | SessionStarted
    | SessionCompleted
    | SessionExpired
    | TrackEvent
    | ClinicalNoteCreated
    | PatientCreated
    | PatientUpdated
    | PatientDeleted,
    Field(discriminator="event_type"),
]

_ADAPTER: Final[TypeAdapter[Any]] = TypeAdapter(AnyDomainEvent)


def decode_domain_event(data: bytes) -> AnyDomainEvent:
    """Read any domain event. Raises pydantic.ValidationError where the bytes are none of the 23."""
    event: AnyDomainEvent = _ADAPTER.validate_json(data)
    return event


def _types_of(model: Any) -> tuple[str, ...]:
    return get_args(model.model_fields["event_type"].annotation)


EVENT_TYPES: Final[tuple[str, ...]] = tuple(
    event_type for model in get_args(get_args(AnyDomainEvent)[0]) for event_type in _types_of(model)
)
"""Every `event_type`, in the order of the families."""

__all__ = [
    "EVENT_TYPES",
    "ActivityEvent",
    "AnyDomainEvent",
    "ClinicalNoteCreated",
    "DataPointCollected",
    "FormSubmitted",
    "PathwayCompleted",
    "PathwayDeleted",
    "PathwayStarted",
    "PathwayStopped",
    "PatientCreated",
    "PatientDeleted",
    "PatientUpdated",
    "ReminderCreated",
    "SessionCompleted",
    "SessionExpired",
    "SessionStarted",
    "TrackEvent",
    "decode_domain_event",
]
