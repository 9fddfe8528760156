"""The OpenAPI document completed: every error, the key of every POST, and examples of answers.

Examples stand in `openapi_examples.json`, `openapi_care_flows` and `openapi_patients`, by operation and status.
"""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI

from carewire_orchestrator.adapters.api.openapi_care_flows import CARE_FLOW_EXAMPLES
from carewire_orchestrator.adapters.api.openapi_patients import PATIENT_EXAMPLES
from carewire_runtime.http.problem import MEDIA_TYPE

EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = (
    CARE_FLOW_EXAMPLES
    | PATIENT_EXAMPLES
    | json.loads(files("carewire_orchestrator.adapters.api").joinpath("openapi_examples.json").read_text("utf-8"))
)
"""By operation, as in `GET /v1/definitions`, and status."""

_PROBLEM: Final = {
    "type": "object",
    "description": "Why a call was not served (RFC 9457). It never holds a value that was sent.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "problems": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemView"}},
    },
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$"},
    "description": "A call under a key is done once; the same call again, within a day, is answered as the first time.",
}


def describe_at_need(app: FastAPI) -> None:
    """Have the description of an app completed when it is first asked for: writing it takes half a second."""
    written = app.openapi

    def completed() -> dict[str, Any]:
        if app.openapi_schema is None:
            describe(written())
        return written()  # which the app keeps

    app.openapi = completed  # type: ignore[method-assign]


def describe(document: dict[str, Any]) -> None:
    """Complete a document in place."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operation["security"] = [{"apiKey": []}]
            if method == "post":
                operation.setdefault("parameters", []).append(_KEY)
            _answer(operation, dict(_examples(f"{method.upper()} {path}", operation)))
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"apiKey": {"type": "http", "scheme": "bearer"}}
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)


def _examples(name: str, operation: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from EXAMPLES["every route"].items()
    if "requestBody" in operation:
        yield from EXAMPLES["every route with a body"].items()
    if "{" in name:
        yield from EXAMPLES["every route of one thing"].items()
    if name.startswith("POST "):
        yield from EXAMPLES["every POST"].items()
    yield from EXAMPLES.get(name, {}).items()


def _answer(operation: dict[str, Any], examples: Mapping[str, Any]) -> None:
    """Give an operation its errors, and all its answers their examples."""
    answers = operation["responses"]
    for status, example in sorted(examples.items()):
        if int(status) >= HTTPStatus.BAD_REQUEST:
            content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
            answers[status] = {"description": example["title"], "content": {MEDIA_TYPE: content}}
        else:
            for media_type, content in answers[status]["content"].items():
                # Where one thing is told in several forms, each has its own example.
                content["example"] = example.get(media_type, example) if isinstance(example, dict) else example
