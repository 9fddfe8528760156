"""An OpenAPI document as tests look at it."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import pytest

from carewire_runtime.http.openapi import operations


def contents(document: Mapping[str, Any]) -> Iterator[Any]:
    """Each body that is described for an answer, as a parameter that is named after its operation and status."""
    for method, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            for kind, content in answer.get("content", {}).items():
                yield pytest.param(content, id=f"{method} {path} {status} {kind}")


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
