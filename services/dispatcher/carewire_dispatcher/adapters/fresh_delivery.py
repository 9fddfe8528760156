"""An event on its way to an endpoint, made of the event's record: at first by fan-out, and again by a repair."""

from typing import Final

from carewire_dispatcher.domain.care_flow import care_flow_of
from carewire_dispatcher.domain.content import ATTRIBUTES, Attributes, body_of
from carewire_dispatcher.domain.delivery import Delivery, EventPosition
from carewire_dispatcher.domain.endpoint import ContentMode, Endpoint, Payload
from carewire_dispatcher.domain.matching import Event
from carewire_dispatcher.domain.sharding import shard_of
from carewire_runtime.ids import derived_id
from carewire_runtime.kafka.records import Record

_HEADERS: Final = tuple((name, f"ce_{name}") for name in ATTRIBUTES)


def delivery_id_of(event_id: str, endpoint_id: str) -> str:
    """Return the id of an event's delivery to an endpoint, however often it is made."""
    return derived_id("delivery", event_id, endpoint_id)


def fresh_delivery(
    record: Record,
    event: Event,
    event_id: str,
    endpoint: Endpoint,
    now: int,
    *,
    epoch: int = 0,
    replayed: bool = False,
    is_test: bool = False,
) -> Delivery:
    """Make a delivery that is due now and was not tried yet in its epoch.

    Raises ValueError where the endpoint is sent something else than the event's bytes, and these are no event.
    """
    traceparent = record.header("traceparent")
    delivery_id = delivery_id_of(event_id, endpoint.id)
    return Delivery(
        id=delivery_id,
        endpoint_id=endpoint.id,
        event_id=event_id,
        event_type=event.type,
        event=EventPosition(record.topic, record.partition, record.offset),
        event_at=record.timestamp_ms,
        body=sent_body(record, event, endpoint.payload, endpoint.content_mode),
        due_at=now,
        epoch=epoch,
        shard=shard_of(delivery_id, endpoint.shards),
        traceparent=None if traceparent is None else traceparent.decode("ascii", "replace"),
        care_flow_id=care_flow_of(record.header("ce_subject"), record.header("ce_sequence")),
        replayed=replayed,
        is_test=is_test,
        payload=endpoint.payload,
        content_mode=endpoint.content_mode,
    )


def sent_body(record: Record, event: Event, payload: Payload, content_mode: ContentMode) -> bytes:
    """Make the body that is sent of an event. Raises ValueError where it cannot be made."""
    about = _attributes(record) if content_mode == "cloudevents" else ()
    return body_of(event.type, event.body, about, payload, content_mode)


def _attributes(record: Record) -> Attributes:
    found = [(name, record.header(header)) for name, header in _HEADERS]
    return tuple((name, value.decode("utf-8", "replace")) for name, value in found if value is not None)
