"""The OpenAPI document completed: every error, the key of every POST, and examples of answers.

Examples stand in `openapi_examples.json`, `openapi_care_flows` and `openapi_patients`, by operation and status.
"""

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from carewire_orchestrator.adapters.api.openapi_care_flows import CARE_FLOW_EXAMPLES
from carewire_orchestrator.adapters.api.openapi_patients import PATIENT_EXAMPLES
from carewire_runtime.http.openapi import Examples, describe_routes, operations

EXAMPLES: Final[Mapping[str, Examples]] = (
    CARE_FLOW_EXAMPLES
    | PATIENT_EXAMPLES
    | json.loads(files("carewire_orchestrator.adapters.api").joinpath("openapi_examples.json").read_text("utf-8"))
)
"""By operation, as in `GET /v1/definitions`, and status."""

_PROBLEM: Final = {
    "code": {"type": "string"},
    "problems": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemView"}},
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$"},
    "description": "A call under a key is done once; the same call again, within a day, is answered as the first time.",
}


def describe(document: dict[str, Any]) -> None:
    """Complete a document in place."""
    for method, _, operation in operations(document):
        if method == "POST":
            operation.setdefault("parameters", []).append(_KEY)
    describe_routes(document, _examples, _PROBLEM)


def _examples(method: str, path: str) -> Iterator[Examples]:
    if "{" in path:
        yield EXAMPLES["every route of one thing"]
    if method == "POST":
        yield EXAMPLES["every POST"]
    yield EXAMPLES.get(f"{method} {path}", {})
