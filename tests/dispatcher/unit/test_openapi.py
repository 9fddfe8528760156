"""The API describes itself: every route, how each may end, and an example of every answer."""

from typing import Any

import orjson
import pytest

from carewire_dispatcher.adapters.openapi import EXAMPLES
from carewire_runtime.http.openapi import operations
from carewire_testing.openapi import faults, wrong_examples
from carewire_testing_dispatcher.whole_api import routes, whole_api


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return whole_api().openapi()


def test_every_answer_has_an_example_of_its_schema(document: dict[str, Any]) -> None:
    assert wrong_examples(document) == {}


def test_every_example_of_a_body_is_taken(document: dict[str, Any]) -> None:
    shown = [
        (schema, one) for schema in document["components"]["schemas"].values() for one in schema.get("examples", ())
    ]
    assert shown
    for schema, example in shown:
        assert faults(document, schema, example) == [], schema["title"]


ONE = "/v1/endpoints/{endpoint_id}"
ANY, OF_ONE = {"401", "403", "422", "503"}, {"401", "403", "404", "422", "503"}


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/v1/endpoints", "post", {"201", "400", "409"} | ANY),
        ("/v1/endpoints", "get", {"200"} | ANY),
        (ONE, "get", {"200"} | OF_ONE),
        (f"{ONE}/health", "get", {"200"} | OF_ONE),
        (ONE, "patch", {"200", "400", "409"} | OF_ONE),
        (ONE, "delete", {"204"} | OF_ONE),
        *((f"{ONE}/{verb}", "post", {"200"} | OF_ONE) for verb in ("disable", "pause", "resume")),
        (f"{ONE}/enable", "post", {"200", "409"} | OF_ONE),
        *((f"{ONE}/{verb}-secret", "post", {"200", "400"} | OF_ONE) for verb in ("rotate", "retire")),
        (f"{ONE}/test", "post", {"202", "400", "409"} | OF_ONE),
        ("/v1/endpoints/dry-run", "post", {"200", "400"} | ANY),
        ("/v1/audit", "get", {"200"} | ANY),
    ],
)
def test_every_route_says_how_it_may_end(path: str, method: str, statuses: set[str], document: dict[str, Any]) -> None:
    assert set(document["paths"][path][method]["responses"]) == statuses


def test_no_example_is_of_a_route_that_is_gone() -> None:
    assert {name for name in EXAMPLES if " /" in name} <= routes()


def test_every_route_tells_what_it_does_and_asks_for_a_key(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        assert operation["summary"], f"{method} {path}"
        assert path.startswith("/v1/") is bool(operation.get("security")), f"{method} {path}"


def test_the_document_shows_no_secret_but_the_example_s(document: dict[str, Any]) -> None:
    text = orjson.dumps(document).decode()
    assert text.count("whsec_") == 2
