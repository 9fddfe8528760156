"""The AsyncAPI 3.0 description of the public topics, made from the event catalogue.

Source: AsyncAPI specification 3.0.0. Envelope headers are those of the CloudEvents Kafka binding.
"""

from typing import Any, Final

import orjson

from carewire_contracts.event_catalogue import EVENT_CATALOGUE, EventType
from carewire_contracts.topics import Topic, Topics

_HEADERS: Final = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "content-type"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "description": "The same each time that the event is seen: dedupe by it."},
        "ce_type": {"type": "string"},
        "ce_source": {"type": "string"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string", "description": "The id of the care flow, or of what the event is about."},
        "ce_sequence": {
            "type": "string",
            "pattern": "^[0-9]{10}$",
            "description": "Events of a care flow alone: their number within it, from 1 and without a gap.",
        },
        "content-type": {"const": "application/json"},
        "traceparent": {"type": "string", "description": "W3C Trace Context."},
    },
}


def asyncapi_document(version: str) -> dict[str, Any]:
    """Describe the public topics and all their messages; `version` is that of the contracts package."""
    topics = Topics()
    channels = {
        "events": (topics.events, "domain"),
        "incomingWebhooks": (topics.incoming_webhooks, "request"),
        "endpoints": (topics.endpoint_events, "endpoint"),
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Carewire events",
            "version": version,
            "description": "What happens to patients' care flows, and what became of requests to start them.",
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(topic, family) for name, (topic, family) in channels.items()},
        "operations": {f"receive{name[0].upper()}{name[1:]}": _operation(name) for name in channels},
        "components": {
            "messages": {name: _message(event) for name, event in EVENT_CATALOGUE.items()},
            "schemas": {"cloudEventHeaders": _HEADERS},
        },
    }


def _channel(topic: Topic, family: str) -> dict[str, Any]:
    names = [name for name, event in EVENT_CATALOGUE.items() if event.family == family]
    return {
        "address": topic.name,
        "description": f"Keyed by {topic.key}, so that order holds for each.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"topic": topic.name, "bindingVersion": "0.5.0"}},
    }


def _operation(channel: str) -> dict[str, Any]:
    # An AsyncAPI document takes the side of the application it is written for: here, of a subscriber.
    return {"action": "receive", "channel": {"$ref": f"#/channels/{channel}"}}


def _message(event: EventType) -> dict[str, Any]:
    return {
        "name": event.name,
        "title": event.name,
        "summary": event.fires,
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/cloudEventHeaders"},
        "payload": _inlined(event.schema()),
        "examples": [{"name": "example", "payload": orjson.loads(event.example)}],
    }


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Put definitions in place of the references to them: a `#/` of a payload would point to the whole document."""
    definitions = schema.get("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, list):
            return [resolve(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return resolve(definitions[node["$ref"].rpartition("/")[2]]) | resolve(rest)
        return {key: resolve(value) for key, value in node.items() if key not in ("$defs", "$schema", "$id")}

    inlined: dict[str, Any] = resolve(schema)
    return inlined
