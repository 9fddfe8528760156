"""An event on its way to one endpoint that stands on no topic: nobody else gets it, and it cannot be sent again.

From the fast lane on it goes the way of every delivery.
"""

from datetime import datetime

from carewire_contracts.envelope import Envelope
from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.endpoint_news import SOURCE
from carewire_dispatcher.adapters.fresh_delivery import fresh_delivery
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.matching import Event
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.telemetry.tracing import current_traceparent


def lone_delivery(
    topics: Topics, endpoint: Endpoint, event_type: str, body: bytes, at: datetime, *, is_test: bool = False
) -> Delivery:
    """Make a delivery of an event that is born with it."""
    envelope, now = Envelope(new_id(), event_type, SOURCE, at), int(at.timestamp() * 1000)
    # No record stands there with this event's id, so nobody takes another event for this one.
    record = Record(topics.events.name, 0, 0, now, None, body, tuple(envelope.headers(current_traceparent())))
    return fresh_delivery(record, Event(event_type, body, now), envelope.id, endpoint, now, is_test=is_test)


def in_fast_lane(topics: Topics, delivery: Delivery) -> OutboxRecord:
    """Write a delivery as a record of the outbox."""
    lane = topics.deliveries("fast").name
    return OutboxRecord(lane, delivery.key.encode(), delivery.body, delivery.headers())
