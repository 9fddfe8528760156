"""The OpenAPI document completed: the webhooks' own routes, every error, and an example of every answer.

The routes of third parties are no routes of FastAPI, so they are described here. Examples stand in
`openapi_examples.json`, by operation and status.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final

from carewire_ingress.adapters.arrival import ROUTE, TEST_ROUTE
from carewire_ingress.domain.payload import FORM, JSON
from carewire_runtime.http.openapi import describe_answers, describe_routes

EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = json.loads(
    files("carewire_ingress.adapters").joinpath("openapi_examples.json").read_text("utf-8")
)
"""By operation, as in `GET /v1/requests`, and status."""

_REASONS: Final = {"reasons": {"type": "array", "items": {"$ref": "#/components/schemas/Reason"}}}
_REASON: Final = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {name: {"type": "string"} for name in ("code", "message", "data_point", "path", "expected", "found")},
}
_ANSWER: Final = {
    "type": "object",
    "required": ["request_id", "status"],
    "properties": {
        "request_id": {"type": "string"},
        "status": {"enum": ["SCHEDULED", "REJECTED", "TEST"]},
        "reason": {"const": "filtered", "description": "the filter does not hold, which is no error of the sender"},
        "verdict": {"enum": ["would_be_accepted", "would_be_filtered", "would_be_rejected"]},
        "reasons": {"type": "array", "items": {"$ref": "#/components/schemas/Reason"}},
        "filter": {"type": "array", "items": {"type": "object"}},
    },
}
_HOOKS: Final = {
    ROUTE: (
        "Start a care flow",
        "Answered once the call is durable. Calls with one `Idempotency-Key` or `webhook-id` start one care flow.",
    ),
    TEST_ROUTE: (
        "Validate a payload and start nothing",
        "As the URL without `/test`, also while the webhook is disabled. The verdict is in the log within a second.",
    ),
}


def describe(document: dict[str, Any]) -> None:
    """Complete a document in place."""
    describe_routes(document, lambda method, path: [EXAMPLES.get(f"{method} {path}", {})], _REASONS)
    document["paths"] |= {path: {"post": _hook(path, *words)} for path, words in _HOOKS.items()}
    document["components"]["schemas"] |= {"Reason": _REASON, "WebhookAnswer": _ANSWER}


def _hook(path: str, summary: str, description: str) -> dict[str, Any]:
    answer = {"schema": {"$ref": "#/components/schemas/WebhookAnswer"}}
    examples = EXAMPLES[f"POST {path}"]
    good = next(status for status in examples if int(status) < HTTPStatus.BAD_REQUEST)
    operation: dict[str, Any] = {
        "tags": ["webhooks"],
        "summary": summary,
        "description": description,
        "security": [],
        "parameters": [{"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}],
        "requestBody": {"required": True, "content": {JSON: {"schema": {}}, FORM: {"schema": {"type": "object"}}}},
        "responses": {good: {"description": "What became of the call", "content": {JSON: answer}}},
    }
    describe_answers(operation, examples)
    return operation
