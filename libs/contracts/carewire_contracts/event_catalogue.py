"""The catalogue of public events: each type with its model, its meaning, when it fires and an example.

Documents, JSON Schemas and the AsyncAPI description are generated from here, so they cannot disagree.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic import BaseModel

from carewire_contracts import events, statuses
from carewire_contracts.events.endpoint import EndpointDisabled, EndpointHeartbeat, EndpointRecovered, EndpointWarning

Family = Literal["domain", "request", "endpoint", "heartbeat"]


@dataclass(frozen=True, slots=True)
class EventType:
    """One public event type. `fires` says when, in a sentence; `family` says on which topic; heartbeats are on none."""

    name: str
    family: Family
    model: type[BaseModel]
    fires: str

    @property
    def meaning(self) -> str:
        """The model's own first line."""
        return (self.model.__doc__ or "").strip().splitlines()[0]

    @property
    def example(self) -> bytes:
        """A payload that validates, as JSON."""
        return files("carewire_contracts").joinpath("examples", f"{self.name}.json").read_bytes()

    def schema(self) -> dict[str, Any]:
        """The JSON Schema (2020-12) of what is written, `event_type` narrowed to this one type."""
        return _schema(self)

    @property
    def personal_fields(self) -> tuple[str, ...]:
        """Paths of the fields that may hold personal data, as in `pathway.patient_identifiers[].value`."""
        schema = self.schema()
        return tuple(sorted(set(_personal(schema, schema.get("$defs", {}), "", ()))))


def _domain(name: str, model: type[BaseModel], fires: str) -> EventType:
    return EventType(name, "domain", model, fires)


def _request(name: str, model: type[BaseModel], fires: str) -> EventType:
    return EventType(f"incoming_webhook.request.{name}", "request", model, fires)


def _endpoint(name: str, model: type[BaseModel], fires: str) -> EventType:
    return EventType(f"endpoint.{name}", "endpoint", model, fires)


_ALL: Final = (
    _domain("pathway.started", events.PathwayStarted, "A care flow started."),
    _domain("pathway.stopped", events.PathwayStopped, "A care flow was stopped, by a person or by its own logic."),
    _domain("pathway.completed", events.PathwayCompleted, "A care flow ran to its end; a stopped one never does."),
    _domain("pathway.deleted", events.PathwayDeleted, "A care flow was deleted; an active one is stopped first."),
    _domain("activity.created", events.ActivityEvent, "Any activity came up, the system's own included."),
    _domain("activity.updated", events.ActivityEvent, "An activity's status or due date changed."),
    _domain("activity.completed", events.ActivityEvent, "Any activity completed, the system's own included."),
    _domain("activity.failed", events.ActivityEvent, "An activity failed."),
    _domain("activity.expired", events.ActivityEvent, "An activity expired before it was completed."),
    _domain("activity.deleted", events.ActivityEvent, "An activity was deleted, as with its care flow."),
    _domain("form.submitted", events.FormSubmitted, "Somebody submitted a form."),
    _domain("data_point.collected", events.DataPointCollected, "Any data point got a new value."),
    _domain("reminder.created", events.ReminderCreated, "Somebody is reminded of pending activities."),
    _domain("session.started", events.SessionStarted, "A stakeholder's hosted session started."),
    _domain("session.completed", events.SessionCompleted, "Nothing is pending in a session any more."),
    _domain("session.expired", events.SessionExpired, "A session was idle for too long."),
    _domain("track.started", events.TrackEvent, "A track started."),
    _domain("track.completed", events.TrackEvent, "A track ran to its end."),
    _domain("track.stopped", events.TrackEvent, "A track was stopped, alone or with its care flow."),
    _domain("clinical_note.created", events.ClinicalNoteCreated, "A clinical note was generated."),
    _domain("patient.created", events.PatientCreated, "A patient was created, by a request or by a person."),
    _domain("patient.updated", events.PatientUpdated, "A patient's profile or identifiers changed."),
    _domain("patient.deleted", events.PatientDeleted, "A patient was deleted."),
    _request("scheduled", statuses.RequestScheduled, "The orchestrator saw the request, before it is processed."),
    _request("processing", statuses.RequestProcessing, "The orchestrator took the request."),
    _request("succeeded", statuses.RequestSucceeded, "A care flow runs for the request."),
    _request("failed", statuses.RequestFailed, "The request ended without a care flow."),
    _request("rejected", statuses.RequestRejected, "The call was refused at receipt."),
    _request("tested", statuses.RequestTested, "A test call was validated."),
    _endpoint("warning", EndpointWarning, "An endpoint has been failing and will be disabled."),
    _endpoint("disabled", EndpointDisabled, "An endpoint was disabled."),
    _endpoint("recovered", EndpointRecovered, "A delivery succeeded after a warning."),
    EventType(
        "endpoint.heartbeat",
        "heartbeat",
        EndpointHeartbeat,
        "An interval passed of an endpoint that asked for heartbeats; sent to that endpoint alone.",
    ),
)

EVENT_CATALOGUE: Final[Mapping[str, EventType]] = MappingProxyType({event.name: event for event in _ALL})
"""Every public event type by its name."""


@cache
def _schema(event: EventType) -> dict[str, Any]:
    schema = event.model.model_json_schema(mode="serialization", by_alias=True)
    literal = {"const": event.name, "type": "string", "title": "Event Type"}
    schema["properties"] = {"event_type": literal} | {
        name: field for name, field in schema["properties"].items() if name != "event_type"
    }
    schema["required"] = ["event_type", *(name for name in schema.get("required", ()) if name != "event_type")]
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:carewire:event:{event.name}:v1",
        "title": event.name,
        "description": event.fires,
    }
    return head | {key: value for key, value in schema.items() if key not in head}


def _personal(node: Mapping[str, Any], defs: Mapping[str, Any], path: str, seen: tuple[str, ...]) -> Iterator[str]:
    if node.get("x-personal-data"):
        yield path
        return
    reference = str(node.get("$ref", "")).rpartition("/")[2]
    if reference and reference not in seen:
        yield from _personal(defs[reference], defs, path, (*seen, reference))
    for branch in node.get("anyOf", ()):
        yield from _personal(branch, defs, path, seen)
    if isinstance(items := node.get("items"), Mapping):
        yield from _personal(items, defs, f"{path}[]", seen)
    for name, field in node.get("properties", {}).items():
        yield from _personal(field, defs, f"{path}.{name}" if path else name, seen)
