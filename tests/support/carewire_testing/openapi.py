"""An OpenAPI document as tests look at it."""

import copy
from collections.abc import Mapping
from typing import Any

import jsonschema
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from carewire_runtime.http.openapi import operations


def described_routes(app: FastAPI) -> frozenset[str]:
    """Every route that the API describes, as in `GET /v1/audit`. To make the whole document for it takes a second."""
    described = (route for route in iter_route_contexts(app.routes) if route.include_in_schema)
    return frozenset(f"{method} {route.path_format}" for route in described for method in route.methods or ())


def wrong_examples(document: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong with the examples of answers, by operation, status and media type; a missing one is wrong too."""
    found = {
        f"{method} {path} {status} {kind}": faults(document, content["schema"], content["example"])
        if "example" in content
        else "no example"
        for method, path, operation in operations(document)
        for status, answer in operation["responses"].items()
        for kind, content in answer.get("content", {}).items()
    }
    assert found
    return {where: wrong for where, wrong in found.items() if wrong}


def faults(document: Mapping[str, Any], schema: Any, value: Any) -> list[str]:
    """What is wrong with a value by a schema of the document."""
    whole = {**document, "asked": schema, "$ref": "#/asked"}
    return [error.message for error in jsonschema.Draft202012Validator(whole).iter_errors(value)]


def without_rules_in_rules(document: dict[str, Any]) -> dict[str, Any]:
    """The document with rules of conditions alone: of what holds itself, wrong examples are drawn without an end."""
    flat = copy.deepcopy(document)
    for name, rule in flat["components"]["schemas"].items():
        if not name.startswith("Rule"):
            continue
        for join in ("any", "all"):
            entries = rule["properties"][join]["anyOf"][0]
            entries["items"] = next(kind for kind in entries["items"]["oneOf"] if "Condition" in kind["$ref"])
    return flat
