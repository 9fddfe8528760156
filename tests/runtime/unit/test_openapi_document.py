"""The OpenAPI document of a management API, completed by what all services have in common and by what is one's own."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from carewire_runtime.http.openapi import EVERYWHERE, WITH_BODY, Examples, describe_at_need, describe_routes, operations

OWN: Examples = {"title": "Gone", "status": 410}
OTHER: Examples = {"title": "Body", "status": 400}


def app() -> FastAPI:
    made = FastAPI()

    @made.get("/things")
    async def things() -> list[str]:
        return []

    @made.post("/things")
    async def add(body: dict[str, str]) -> dict[str, str]:
        return body

    return made


def examples(method: str, path: str) -> Iterator[Examples]:
    yield {"200": {"method": method, "path": path}}
    if method == "POST":
        yield {"400": OTHER, "410": OWN}


@pytest.fixture
def document() -> dict[str, Any]:
    written = app().openapi()
    describe_routes(written, examples, {"code": {"type": "string"}})
    return written


def answers(document: dict[str, Any], method: str) -> dict[str, Any]:
    (operation,) = (operation for known, _, operation in operations(document) if known == method)
    responses: dict[str, Any] = operation["responses"]
    return {
        status: content["example"] for status, one in responses.items() for content in one.get("content", {}).values()
    }


def test_every_route_needs_a_key_and_may_end_as_all_do(document: dict[str, Any]) -> None:
    assert all(operation["security"] == [{"apiKey": []}] for _, _, operation in operations(document))
    assert answers(document, "GET") == {**EVERYWHERE, "200": {"method": "GET", "path": "/things"}}


def test_what_a_route_says_itself_comes_before_what_all_say(document: dict[str, Any]) -> None:
    assert WITH_BODY.keys() == {"400"}
    assert answers(document, "POST") == {
        **EVERYWHERE,
        "200": {"method": "POST", "path": "/things"},
        "400": OTHER,
        "410": OWN,
    }


def test_errors_are_problem_documents_with_the_fields_of_the_service(document: dict[str, Any]) -> None:
    problem = document["components"]["schemas"]["Problem"]
    assert {"type", "title", "status", "detail", "errors", "code"} == set(problem["properties"])
    (operation,) = (operation for method, _, operation in operations(document) if method == "POST")
    content = operation["responses"]["422"]["content"]
    assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_an_answer_in_several_forms_has_an_example_of_each() -> None:
    described: dict[str, Any] = {"paths": {"/": {"get": {"responses": {"200": {"content": {"a/b": {}, "c/d": {}}}}}}}}
    describe_routes(described, lambda *_: [{"200": {"a/b": "one", "c/d": "other"}}], {})
    content = described["paths"]["/"]["get"]["responses"]["200"]["content"]
    assert content == {"a/b": {"example": "one"}, "c/d": {"example": "other"}}


def test_a_document_is_completed_once_and_only_when_it_is_asked_for() -> None:
    made, completed = app(), list[dict[str, Any]]()
    describe_at_need(made, completed.append)
    assert completed == []
    assert made.openapi() is made.openapi()
    assert completed == [made.openapi()]
