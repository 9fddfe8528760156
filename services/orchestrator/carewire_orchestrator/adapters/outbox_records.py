"""What the orchestrator tells others, as records of its outbox."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import orjson

from carewire_contracts.catalogue import CatalogueDefinition, CatalogueIdentifierSystem
from carewire_contracts.envelope import Envelope, Heading
from carewire_contracts.identifiers import Identifier
from carewire_contracts.topics import Topics
from carewire_contracts.wire import encode
from carewire_contracts.without_personal_data import without_personal_data
from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.announcing import Announcement, EventPayloads, announce, announce_patient
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.request_statuses import StatusDocument
from carewire_orchestrator.domain.starting import StartedCareFlow
from carewire_runtime.ids import derived_id, new_id
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.telemetry import metrics

SOURCE: Final = "carewire/orchestrator"


class Publishing:
    """Where records go, for which tenant they speak, and how much they say."""

    def __init__(self, topics: Topics, tenant_id: str, payloads: EventPayloads = "full") -> None:
        self.topics = topics
        self.tenant_id = tenant_id
        self._ids_alone = payloads == "ids"
        self._events = topics.events.name
        self._statuses = topics.incoming_webhooks.name
        self._catalogue = topics.catalogue.name

    def started(self, started: StartedCareFlow, now: datetime, traceparent: str | None) -> list[OutboxRecord]:
        """`patient.created` where the patient is new, then all that the start brought about."""
        told = self.advanced(started.release, started.advanced, started.identifiers, now, traceparent)
        if not started.is_new_patient:
            return told
        patient_id = started.patient_id
        created = announce_patient(
            patient_id,
            tenant_id=self.tenant_id,
            identifiers=started.identifiers,
            profile=started.profile,
            now=now,
        )
        return [self.patient(created, patient_id, now, traceparent), *told]

    def advanced(
        self,
        release: Release,
        advanced: Advanced,
        identifiers: Sequence[Identifier],
        now: datetime,
        traceparent: str | None,
    ) -> list[OutboxRecord]:
        """All that an event brought about, in order, under the patient's key."""
        care_flow = advanced.care_flow
        key, heading = care_flow.patient_id.encode(), Heading(SOURCE, now, care_flow.id, traceparent)
        return [
            self._event(told, key, heading)
            for told in announce(release, advanced, tenant_id=self.tenant_id, identifiers=identifiers)
        ]

    def patient(self, told: Announcement, patient_id: str, now: datetime, traceparent: str | None) -> OutboxRecord:
        """What was announced of a patient, under the patient's key."""
        return self._event(told, patient_id.encode(), Heading(SOURCE, now, patient_id, traceparent))

    def session(self, told: Announcement, care_flow: CareFlow, now: datetime, traceparent: str | None) -> OutboxRecord:
        """What was announced of a session, under the key of the care flow's patient."""
        return self._event(told, care_flow.patient_id.encode(), Heading(SOURCE, now, care_flow.id, traceparent))

    def _event(self, told: Announcement, key: bytes, heading: Heading) -> OutboxRecord:
        event_type, event = told.event_type, told.event
        _emitted(event_type)()
        if self._ids_alone:
            event = without_personal_data(event_type)(event)
        headers = heading.headers(told.id, event_type, told.sequence)
        return OutboxRecord(self._events, key, orjson.dumps(event), headers)

    def request_statuses(
        self, request_id: str, told: Iterable[StatusDocument], now: datetime, traceparent: str | None
    ) -> list[OutboxRecord]:
        """Statuses of a request. The id of each is the same whenever that status is reached."""
        key, heading = request_id.encode(), Heading(SOURCE, now, request_id, traceparent)
        return [
            OutboxRecord(
                self._statuses,
                key,
                orjson.dumps(status),
                heading.headers(derived_id(request_id, status["status"]), status["event_type"]),
            )
            for status in told
        ]

    def catalogue(
        self, entry: CatalogueDefinition | CatalogueIdentifierSystem, now: datetime, traceparent: str | None
    ) -> OutboxRecord:
        """The state of a catalogue entry, replacing the one before."""
        kind = "definition" if isinstance(entry, CatalogueDefinition) else "identifier_system"
        envelope = Envelope(new_id(), f"catalogue.{kind}.changed", SOURCE, now)
        return OutboxRecord(self._catalogue, entry.key.encode(), encode(entry), envelope.headers(traceparent))


@lru_cache(maxsize=64)
def _emitted(event_type: str) -> Callable[[], None]:
    return metrics.EVENTS_EMITTED.counting(event_type=event_type)
