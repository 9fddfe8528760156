"""The routes of patients tell how each may end, with an example that is what it says."""

from collections.abc import Iterator
from typing import Any, cast

import jsonschema
import pytest
from fastapi import FastAPI

from carewire_orchestrator.adapters.api.patient_answers import ANSWERS
from carewire_orchestrator.adapters.api.patients import PatientApi

EVERYWHERE = {"401", "403", "422", "503"}
ENDS = {
    ("post", ""): {"201", "400", "409"},
    ("get", ""): {"200"},
    ("post", "/upsert"): {"200", "201", "400", "409"},
    ("post", "/by-identifier"): {"200", "400", "404"},
    ("post", "/search"): {"200", "400"},
    ("get", "/deleted"): {"200"},
    ("get", "/{patient_id}"): {"200", "404", "410"},
    ("patch", "/{patient_id}"): {"200", "400", "404", "410"},
    ("delete", "/{patient_id}"): {"200", "404", "409"},
    ("post", "/{patient_id}/restore"): {"200", "400", "404", "409"},
    ("post", "/{patient_id}/merge"): {"200", "400", "404", "410"},
    ("post", "/{patient_id}/identifiers"): {"200", "400", "404", "409", "410"},
    ("put", "/{patient_id}/identifiers"): {"200", "400", "404", "409", "410"},
    ("post", "/{patient_id}/identifiers/remove"): {"200", "400", "404", "410"},
}


def document() -> dict[str, Any]:
    unused = cast("Any", None)
    app = FastAPI()
    app.include_router(PatientApi(unused, unused, unused, unused, unused).router())
    return app.openapi()


DOCUMENT = document()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method, path.removeprefix("/v1/patients"), operation


def test_every_route_says_how_it_may_end() -> None:
    assert {(method, path): set(one["responses"]) - EVERYWHERE for method, path, one in operations()} == ENDS
    assert all(set(one["responses"]) >= EVERYWHERE for _, _, one in operations())
    assert len(ANSWERS) == len(ENDS)


def contents() -> Iterator[Any]:
    for method, path, operation in operations():
        for status, answer in operation["responses"].items():
            for kind, content in answer["content"].items():
                yield pytest.param(status, kind, content, id=f"{method} {path} {status}")


@pytest.mark.parametrize(("status", "kind", "content"), list(contents()))
def test_every_answer_has_an_example_of_its_schema(status: str, kind: str, content: dict[str, Any]) -> None:
    example = content["example"]
    if kind == "application/problem+json":
        assert example["status"] == int(status)
        assert {"type", "title"} <= example.keys()
    else:
        whole = {**DOCUMENT, "asked": content.get("schema", {}), "$ref": "#/asked"}
        assert [error.message for error in jsonschema.Draft202012Validator(whole).iter_errors(example)] == []


@pytest.mark.parametrize(
    ("method", "path"), [one for one in ENDS if one[0] in ("post", "put", "patch") and "restore" not in one[1]]
)
def test_every_body_has_an_example_of_its_schema(method: str, path: str) -> None:
    schema = DOCUMENT["paths"][f"/v1/patients{path}"][method]["requestBody"]["content"]["application/json"]["schema"]
    named = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    whole = {**DOCUMENT, "asked": schema, "$ref": "#/asked"}
    assert list(jsonschema.Draft202012Validator(whole).iter_errors(named["example"])) == []
