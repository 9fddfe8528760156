"""Which endpoints want an event."""

from collections.abc import Iterable
from dataclasses import field
from typing import Any, Final

import orjson

from carewire_contracts.events import EVENT_TYPES
from carewire_contracts.record import record
from carewire_dispatcher.domain.endpoint import Endpoint

STATUS_EVENT_TYPES: Final = tuple(
    f"incoming_webhook.request.{word}"
    for word in ("scheduled", "processing", "succeeded", "failed", "rejected", "tested")
)
"""The events of carewire.incoming-webhooks."""

ENDPOINT_EVENT_TYPES: Final = tuple(f"endpoint.{word}" for word in ("warning", "disabled", "recovered"))
"""The events of carewire.endpoints."""

SUBSCRIBABLE: Final = frozenset((*EVENT_TYPES, *STATUS_EVENT_TYPES, *ENDPOINT_EVENT_TYPES))
"""Every event type that an endpoint may name."""

_DOMAIN_EVENTS: Final = frozenset(EVENT_TYPES)


@record()
class Event:
    """What an endpoint may choose by."""

    type: str
    body: bytes = field(repr=False)

    @property
    def definition_id(self) -> str | None:
        """The care-flow definition that the event belongs to, or None for events of no care flow.

        Raises ValueError where the body is no JSON object.
        """
        data = self._data()
        pathway: Any = data.get("pathway")
        found = pathway.get("pathway_definition_id") if isinstance(pathway, dict) else data.get("definition_id")
        return found if isinstance(found, str) else None

    @property
    def told_of(self) -> str | None:
        """The endpoint that the event tells of, or None where it tells of something else.

        Raises ValueError where the body is no JSON object.
        """
        if self.type not in ENDPOINT_EVENT_TYPES:
            return None
        found = self._data().get("endpoint_id")
        return found if isinstance(found, str) else None

    def _data(self) -> dict[str, Any]:
        data = orjson.loads(self.body)
        if not isinstance(data, dict):
            raise ValueError("the event is no JSON object")  # noqa: TRY004  what is wrong is the data
        return data


def wants_type(endpoint: Endpoint, event_type: str) -> bool:
    """Whether the endpoint subscribes to events of this type."""
    if endpoint.event_types is None:
        return event_type in _DOMAIN_EVENTS
    return event_type in endpoint.event_types


class Subscribers:
    """The enabled endpoints, found by event type. A snapshot: build another when endpoints change."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._enabled = tuple(endpoint for endpoint in endpoints if endpoint.enabled)
        self._by_type: dict[str, tuple[Endpoint, ...]] = {}

    def of(self, event: Event) -> tuple[Endpoint, ...]:
        """List the endpoints that want the event. Raises ValueError where its body is needed and unreadable.

        Nobody is told of himself: an endpoint that fails would not hear it, and what recovers knows.
        """
        candidates = self.of_type(event.type)
        if candidates and (told_of := event.told_of) is not None:
            candidates = tuple(endpoint for endpoint in candidates if endpoint.id != told_of)
        if all(endpoint.definition_ids is None for endpoint in candidates):
            return candidates
        definition_id = event.definition_id
        return tuple(e for e in candidates if e.definition_ids is None or definition_id in e.definition_ids)

    def of_type(self, event_type: str) -> tuple[Endpoint, ...]:
        """List the endpoints that may want events of a type; of most types nobody does."""
        found = self._by_type.get(event_type)
        if found is None:
            found = tuple(endpoint for endpoint in self._enabled if wants_type(endpoint, event_type))
            self._by_type[event_type] = found
        return found
