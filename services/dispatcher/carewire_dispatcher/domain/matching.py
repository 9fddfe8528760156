"""Which endpoints want an event."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import UTC, datetime
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
    """What an endpoint may choose by. `at` is when the event was appended, in milliseconds.

    Operators about days count from then: whenever an event is looked at again, the answer is the same.
    """

    type: str
    body: bytes = field(repr=False)
    at: int = 0

    def data(self) -> dict[str, Any]:
        """Read the body. Raises ValueError where it is no JSON object."""
        data = orjson.loads(self.body)
        if not isinstance(data, dict):
            raise ValueError("the event is no JSON object")  # noqa: TRY004  what is wrong is the data
        return data


def definition_of(data: Mapping[str, Any]) -> str | None:
    """The care-flow definition that an event belongs to, or None for events of no care flow."""
    pathway: Any = data.get("pathway")
    found = pathway.get("pathway_definition_id") if isinstance(pathway, dict) else data.get("definition_id")
    return found if isinstance(found, str) else None


def endpoint_of(event_type: str, data: Mapping[str, Any]) -> str | None:
    """The endpoint that an event tells of, or None where it tells of something else."""
    found = data.get("endpoint_id") if event_type in ENDPOINT_EVENT_TYPES else None
    return found if isinstance(found, str) else None


def wants_type(endpoint: Endpoint, event_type: str) -> bool:
    """Whether the endpoint subscribes to events of this type."""
    if endpoint.event_types is None:
        return event_type in _DOMAIN_EVENTS
    return event_type in endpoint.event_types


def wants_definition(endpoint: Endpoint, data: Mapping[str, Any]) -> bool:
    """Whether the endpoint asked for events of the care-flow definition to which this one belongs."""
    return endpoint.definition_ids is None or definition_of(data) in endpoint.definition_ids


class Subscribers:
    """The endpoints that get deliveries, found by event type. A snapshot: build another when endpoints change."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._served = tuple(endpoint for endpoint in endpoints if endpoint.is_served)
        self._by_type: dict[str, _Candidates] = {}

    def of(self, event: Event) -> tuple[Endpoint, ...]:
        """List the endpoints that want the event. Raises ValueError where its body is needed and unreadable.

        Nobody is told of himself: an endpoint that fails would not hear it, and what recovers knows.
        """
        candidates = self._candidates(event.type)
        if not candidates.all or not (candidates.any_is_choosy or event.type in ENDPOINT_EVENT_TYPES):
            return candidates.all
        data, at = event.data(), datetime.fromtimestamp(event.at / 1000, UTC)
        told_of = endpoint_of(event.type, data)
        return tuple(
            endpoint
            for endpoint in candidates.of_definition(definition_of(data))
            if endpoint.id != told_of and (endpoint.filter is None or endpoint.filter.judge(data, at).satisfied)
        )

    def of_any_body(self, event_type: str) -> tuple[Endpoint, ...]:
        """List the endpoints that want an event of this type whatever its body says.

        Of what is told of endpoints nobody does: one would have to know whom it tells of.
        """
        if event_type in ENDPOINT_EVENT_TYPES:
            return ()
        return tuple(endpoint for endpoint in self.of_type(event_type) if not _is_choosy(endpoint))

    def of_type(self, event_type: str) -> tuple[Endpoint, ...]:
        """List the endpoints that may want events of a type; of most types nobody does."""
        return self._candidates(event_type).all

    def _candidates(self, event_type: str) -> "_Candidates":
        found = self._by_type.get(event_type)
        if found is None:
            wanting = tuple(endpoint for endpoint in self._served if wants_type(endpoint, event_type))
            found = self._by_type[event_type] = _Candidates(wanting)
        return found


class _Candidates:
    """The endpoints that may want events of one type, found by care-flow definition: there may be thousands."""

    def __init__(self, endpoints: tuple[Endpoint, ...]) -> None:
        self.all: Final = endpoints
        self.any_is_choosy: Final = any(map(_is_choosy, endpoints))
        self._named: Final = frozenset[str]().union(*(endpoint.definition_ids or () for endpoint in endpoints))
        self._by_definition: dict[str | None, tuple[Endpoint, ...]] = {}

    def of_definition(self, definition_id: str | None) -> tuple[Endpoint, ...]:
        """List those that want events of a definition; None stands for each that nobody asked for by its id."""
        named = definition_id if definition_id in self._named else None
        found = self._by_definition.get(named)
        if found is None:
            found = tuple(
                endpoint for endpoint in self.all if endpoint.definition_ids is None or named in endpoint.definition_ids
            )
            self._by_definition[named] = found
        return found


def _is_choosy(endpoint: Endpoint) -> bool:
    return endpoint.definition_ids is not None or endpoint.filter is not None
