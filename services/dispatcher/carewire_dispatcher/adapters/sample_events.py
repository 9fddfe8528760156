"""Examples of events on their way to one endpoint, so that receivers can be tried without a journey for each type.

They go the way of every delivery from the fast lane on. The events themselves are on no topic: the others who want
events of the type get none, and an example cannot be sent again from its event.
"""

from collections.abc import Callable
from typing import Final

from carewire_contracts.envelope import Envelope
from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.endpoint_news import SOURCE
from carewire_dispatcher.adapters.endpoint_store import SUBJECT
from carewire_dispatcher.adapters.fresh_delivery import fresh_delivery
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.matching import Event
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.postgres.pool import Database
from carewire_runtime.telemetry.tracing import current_traceparent

TEST: Final = "endpoint.test"


class SampleEvents:
    """Sends examples. `wake` is called after each commit, so that the relay publishes them."""

    def __init__(self, db: Database, topics: Topics, clock: Clock, wake: Callable[[], None]) -> None:
        self._db = db
        self._topics = topics
        self._clock = clock
        self._audit = Audit(clock)
        self._wake = wake

    async def send(self, endpoint: Endpoint, event_type: str, by: Principal) -> Delivery:
        """Send the catalogue's example of a type to one endpoint; returns its delivery."""
        delivery = self._delivery(endpoint, event_type)
        lane = self._topics.deliveries("fast").name
        async with self._db.transaction() as connection:
            record = OutboxRecord(lane, delivery.key.encode(), delivery.body, delivery.headers())
            await outbox.add(connection, [record])
            await self._audit.add(connection, by, [Deed(TEST, SUBJECT, endpoint.id)])
        self._wake()
        return delivery

    def _delivery(self, endpoint: Endpoint, event_type: str) -> Delivery:
        now, body = millis(self._clock), EVENT_CATALOGUE[event_type].example
        envelope = Envelope(new_id(), event_type, SOURCE, self._clock.now())
        # No record stands there with this event's id, so nobody takes another event for this one.
        record = Record(self._topics.events.name, 0, 0, now, None, body, tuple(envelope.headers(current_traceparent())))
        return fresh_delivery(record, Event(event_type, body, now), envelope.id, endpoint, now, is_test=True)
