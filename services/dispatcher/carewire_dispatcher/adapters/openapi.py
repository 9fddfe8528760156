"""The OpenAPI document completed: every error, and an example of every answer.

Examples stand in `openapi_*.json`, by operation and status.
"""

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from carewire_runtime.http.openapi import Examples, describe_routes


def _examples_of_all() -> Iterator[tuple[str, Examples]]:
    for file in files("carewire_dispatcher.adapters").iterdir():
        if file.name.startswith("openapi_") and file.name.endswith(".json"):
            yield from json.loads(file.read_text("utf-8")).items()


EXAMPLES: Final[Mapping[str, Examples]] = dict(_examples_of_all())
"""By operation, as in `GET /v1/endpoints`, and status."""

_PROBLEM: Final = {
    "endpoint": {"type": "object", "description": "the endpoint that was stored and not verified, with its secret"}
}


def describe(document: dict[str, Any]) -> None:
    """Complete a document in place."""
    describe_routes(document, _examples, _PROBLEM)


def _examples(method: str, path: str) -> Iterator[Examples]:
    if "{" in path:
        yield EXAMPLES["every route of one thing"]
    yield EXAMPLES.get(f"{method} {path}", {})
