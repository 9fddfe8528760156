"""The public events of endpoints, `endpoint.*`, as records of the outbox: told in the transaction of what they tell."""

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from carewire_contracts import wire
from carewire_contracts.envelope import Envelope
from carewire_contracts.events.endpoint import EndpointDisabled, EndpointRecovered, EndpointWarning
from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.endpoint_record import EndpointRecord
from carewire_dispatcher.domain.endpoint import DisabledBecause
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.outbox import OutboxRecord

SOURCE: Final = "carewire/dispatcher"


class EndpointNews:
    """Writes down what happened to endpoints of one tenant. Of a URL it tells the host alone."""

    def __init__(self, topics: Topics, tenant_id: str) -> None:
        self._topic = topics.endpoint_events.name
        self._tenant_id = tenant_id

    def warning(
        self, endpoint: EndpointRecord, at: datetime, failing_since: datetime, disables_at: datetime
    ) -> OutboxRecord:
        """An endpoint has been failing, and will be disabled."""
        return self._record(
            EndpointWarning(
                endpoint_id=endpoint.id,
                tenant_id=self._tenant_id,
                host=_host(endpoint),
                date=at,
                failing_since=failing_since,
                disables_at=disables_at,
            )
        )

    def recovered(self, endpoint: EndpointRecord, at: datetime, failing_since: datetime) -> OutboxRecord:
        """A delivery succeeded after a warning."""
        return self._record(
            EndpointRecovered(
                endpoint_id=endpoint.id,
                tenant_id=self._tenant_id,
                host=_host(endpoint),
                date=at,
                failing_since=failing_since,
            )
        )

    def disabled(self, endpoint: EndpointRecord, at: datetime, because: DisabledBecause) -> OutboxRecord:
        """An endpoint was disabled."""
        return self._record(
            EndpointDisabled(
                endpoint_id=endpoint.id,
                tenant_id=self._tenant_id,
                host=_host(endpoint),
                date=at,
                reason=because.value,
            )
        )

    def _record(self, event: EndpointWarning | EndpointRecovered | EndpointDisabled) -> OutboxRecord:
        envelope = Envelope(new_id(), event.event_type, SOURCE, event.date, subject=event.endpoint_id)
        return OutboxRecord(self._topic, event.endpoint_id.encode(), wire.encode(event), envelope.headers())


def _host(endpoint: EndpointRecord) -> str:
    return urlsplit(endpoint.url).hostname or ""
