"""The OpenAPI document of a management API completed: who may call, every error, and an example of every answer.

FastAPI knows what routes answer when all is well. What else they answer is said here for what all services have in
common, and by each service for its own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from fastapi import FastAPI

from carewire_runtime.http.problem import MEDIA_TYPE

Examples: TypeAlias = Mapping[str, Any]
"""Examples of answers by status; where an answer is told in several forms, by media type below that."""

EVERYWHERE: Final[Examples] = {
    "401": {
        "type": "about:blank",
        "title": "Not authenticated",
        "status": 401,
        "detail": "send an API key: Authorization: Bearer <key>",
    },
    "403": {
        "type": "about:blank",
        "title": "Not allowed",
        "status": 403,
        "detail": "this needs the role admin; the key has viewer",
    },
    "422": {
        "type": "about:blank",
        "title": "Invalid request",
        "status": 422,
        "detail": "the request does not have the form that this route takes",
        "errors": [{"field": "limit", "message": "Input should be less than or equal to 100"}],
    },
    "503": {"type": "about:blank", "title": "Not available", "status": 503, "detail": "try again"},
}
"""What every route may answer."""

WITH_BODY: Final[Examples] = {
    "400": {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "the body is no text in UTF-8"}
}
"""What a route that takes a body may answer besides."""

_PROBLEM: Final = {
    "type": {"type": "string", "format": "uri-reference"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string"},
    "errors": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["field", "message"],
            "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
        },
    },
}


def describe_at_need(app: FastAPI, describe: Callable[[dict[str, Any]], None]) -> None:
    """Have the document of an app completed when it is first asked for: writing it takes half a second."""
    written = app.openapi

    def completed() -> dict[str, Any]:
        if app.openapi_schema is None:
            describe(written())
        return written()  # which the app keeps

    app.openapi = completed  # type: ignore[method-assign]


def describe_routes(
    document: dict[str, Any],
    examples: Callable[[str, str], Iterable[Examples]],
    problem: Mapping[str, Any],
) -> None:
    """Complete the routes that FastAPI knows, in place.

    `examples` answers what a route says beyond what all do, by method and path; later ones replace earlier ones.
    `problem` are the schemas of what a service adds to its problem documents.
    """
    for method, path, operation in operations(document):
        operation["security"] = [{"apiKey": []}]
        known: dict[str, Any] = {**EVERYWHERE}
        if "requestBody" in operation:
            known |= WITH_BODY
        for more in examples(method, path):
            known |= more
        describe_answers(operation, known)
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"apiKey": {"type": "http", "scheme": "bearer"}}
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = {
        "type": "object",
        "description": "Why a call was not served (RFC 9457). It never holds a value that was sent.",
        "required": ["type", "title", "status"],
        "properties": {**_PROBLEM, **problem},
    }
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation of a document with its method, in capitals, and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def describe_answers(operation: dict[str, Any], examples: Examples) -> None:
    """Give an operation its errors, and all its answers their examples."""
    answers = operation["responses"]
    for status, example in sorted(examples.items()):
        if int(status) >= HTTPStatus.BAD_REQUEST:
            content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
            answers[status] = {"description": example["title"], "content": {MEDIA_TYPE: content}}
        else:
            for media_type, content in answers[status]["content"].items():
                content["example"] = example.get(media_type, example) if isinstance(example, dict) else example
