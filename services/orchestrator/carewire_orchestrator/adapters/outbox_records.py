"""What the orchestrator tells others, as records of its outbox."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import orjson

from carewire_contracts.catalogue import CatalogueDefinition, CatalogueIdentifierSystem
from carewire_contracts.envelope import Envelope
from carewire_contracts.identifiers import Identifier
from carewire_contracts.statuses import AnyRequestStatusEvent
from carewire_contracts.topics import Topics
from carewire_contracts.wire import encode
from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.announcing import Announcement, announce, announce_patient
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.starting import StartedCareFlow
from carewire_runtime.ids import derived_id, new_id
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.telemetry import metrics

SOURCE: Final = "carewire/orchestrator"


class Publishing:
    """Where records go, and for which tenant they speak."""

    def __init__(self, topics: Topics, tenant_id: str) -> None:
        self.topics = topics
        self.tenant_id = tenant_id
        self._events = topics.events.name
        self._statuses = topics.incoming_webhooks.name
        self._catalogue = topics.catalogue.name

    def started(self, started: StartedCareFlow, now: datetime, traceparent: str | None) -> Iterator[OutboxRecord]:
        """`patient.created` where the patient is new, then all that the start brought about."""
        care_flow = started.care_flow
        if started.is_new_patient:
            created = announce_patient(
                care_flow.patient_id,
                tenant_id=self.tenant_id,
                identifiers=started.identifiers,
                profile=started.profile,
                now=now,
            )
            yield self.patient(created, care_flow.patient_id, now, traceparent)
        yield from self.advanced(started.release, started.advanced, started.identifiers, now, traceparent)

    def advanced(
        self,
        release: Release,
        advanced: Advanced,
        identifiers: Sequence[Identifier],
        now: datetime,
        traceparent: str | None,
    ) -> Iterator[OutboxRecord]:
        """All that an event brought about, in order, under the patient's key."""
        care_flow = advanced.care_flow
        for told in announce(release, advanced, tenant_id=self.tenant_id, identifiers=identifiers):
            yield self._event(told, care_flow.id, care_flow.patient_id, now, traceparent)

    def patient(self, told: Announcement, patient_id: str, now: datetime, traceparent: str | None) -> OutboxRecord:
        """What was announced of a patient, under the patient's key."""
        return self._event(told, patient_id, patient_id, now, traceparent)

    def _event(
        self, told: Announcement, subject: str, patient_id: str, now: datetime, traceparent: str | None
    ) -> OutboxRecord:
        event_type = told.event_type
        metrics.EVENTS_EMITTED.add(event_type=event_type)
        headers = Envelope(told.id, event_type, SOURCE, now, subject).headers(traceparent)
        return OutboxRecord(self._events, patient_id.encode(), orjson.dumps(told.event), headers)

    def request_status(self, event: AnyRequestStatusEvent, now: datetime, traceparent: str | None) -> OutboxRecord:
        """A status of a request. Its id is the same each time that the same status is reached."""
        event_id = derived_id(event.request_id, event.status)
        envelope = Envelope(event_id, event.event_type, SOURCE, now, event.request_id)
        return OutboxRecord(
            self._statuses,
            event.request_id.encode(),
            encode(event),
            envelope.headers(traceparent),
        )

    def catalogue(
        self, entry: CatalogueDefinition | CatalogueIdentifierSystem, now: datetime, traceparent: str | None
    ) -> OutboxRecord:
        """The state of a catalogue entry, replacing the one before."""
        kind = "definition" if isinstance(entry, CatalogueDefinition) else "identifier_system"
        envelope = Envelope(new_id(), f"catalogue.{kind}.changed", SOURCE, now)
        return OutboxRecord(self._catalogue, entry.key.encode(), encode(entry), envelope.headers(traceparent))
