"""What a receiver is sent of an event: all of it or what it takes to look it up, bare or as a CloudEvent.

A body is made once, when a delivery is made of its event, and travels with it: so each attempt sends, and signs, the
same bytes, whatever becomes of the endpoint's configuration meanwhile. Made again of the same event, as by a replay,
they are the same too. Sources: CloudEvents 1.0.2, its JSON format (section 3), and its HTTP binding (section 3.2).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.without_personal_data import without_personal_data
from carewire_dispatcher.domain.endpoint import ContentMode, Payload

CONTENT_TYPES: Final[Mapping[ContentMode, str]] = {
    "flat": "application/json",
    "cloudevents": "application/cloudevents+json",
}

ATTRIBUTES: Final = ("specversion", "id", "type", "source", "subject", "time", "sequence")
"""What a CloudEvent says of its event, in the order in which it says so."""

_KEPT: Final = 16
"""Bodies that are kept for the next endpoint that wants the same event in the same way."""

_REQUIRED: Final = frozenset({"specversion", "id", "type", "source"})

Attributes = tuple[tuple[str, str], ...]
"""Names and values of the attributes that an event has, in the order of ATTRIBUTES."""


def body_of(event_type: str, body: bytes, attributes: Attributes, payload: Payload, mode: ContentMode) -> bytes:
    """Make what is sent of an event whose bytes on the topic are `body`.

    Raises ValueError where these have to be read for it and are no JSON object, or where an attribute is missing.
    """
    if payload == "full" and mode == "flat":
        return body
    return _made(event_type, body, attributes, payload, mode)


@lru_cache(_KEPT)
def _made(event_type: str, body: bytes, attributes: Attributes, payload: Payload, mode: ContentMode) -> bytes:
    event = orjson.loads(body)
    if not isinstance(event, dict):
        raise ValueError("the event is no JSON object")  # noqa: TRY004  what is wrong is the data
    data = body if payload == "full" else orjson.dumps(_thin(event_type, event))
    if mode == "flat":
        return data
    about = dict(attributes)
    if not about.keys() >= _REQUIRED:
        raise ValueError("the event lacks an attribute that every CloudEvent has")
    described = {**about, "datacontenttype": CONTENT_TYPES["flat"], "data": orjson.Fragment(data)}
    return orjson.dumps(described)


def _thin(event_type: str, event: dict[str, Any]) -> Any:
    """Leave out what may be personal data, and what a later release than ours may have added."""
    if event_type not in EVENT_CATALOGUE:
        return {"event_type": event_type}
    return without_personal_data(event_type, known_alone=True)(event)
