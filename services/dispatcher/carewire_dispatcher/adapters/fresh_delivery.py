"""An event on its way to an endpoint, made of the event's record: at first by fan-out, and again by a repair."""

from carewire_dispatcher.domain.care_flow import care_flow_of
from carewire_dispatcher.domain.delivery import Delivery, EventPosition
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.matching import Event
from carewire_runtime.ids import derived_id
from carewire_runtime.kafka.records import Record


def delivery_id_of(event_id: str, endpoint_id: str) -> str:
    """Return the id of an event's delivery to an endpoint, however often it is made."""
    return derived_id("delivery", event_id, endpoint_id)


def fresh_delivery(
    record: Record, event: Event, event_id: str, endpoint: Endpoint, now: int, *, epoch: int = 0, replayed: bool = False
) -> Delivery:
    """Make a delivery that is due now and was not tried yet in its epoch."""
    traceparent = record.header("traceparent")
    return Delivery(
        id=delivery_id_of(event_id, endpoint.id),
        endpoint_id=endpoint.id,
        event_id=event_id,
        event_type=event.type,
        event=EventPosition(record.topic, record.partition, record.offset),
        event_at=record.timestamp_ms,
        body=event.body,
        due_at=now,
        epoch=epoch,
        traceparent=None if traceparent is None else traceparent.decode("ascii", "replace"),
        care_flow_id=care_flow_of(record.header("ce_subject"), record.header("ce_sequence")),
        replayed=replayed,
    )
