"""The API describes itself: every route, how each may end, and for definitions an example of every answer."""

from typing import Any

import orjson
import pytest

from carewire_contracts.definition import CareFlowDefinition
from carewire_orchestrator.adapters.api.openapi import EXAMPLES
from carewire_runtime.http.openapi import operations
from carewire_testing.openapi import faults, wrong_examples
from carewire_testing_orchestrator.whole_api import whole_api


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return whole_api().openapi()


def test_every_answer_has_an_example_of_its_schema(document: dict[str, Any]) -> None:
    assert wrong_examples(document) == {}


ONE = {"401", "403", "404", "422", "503"}
D = "/v1/definitions/{definition_id}"
C = "/v1/care-flows/{care_flow_id}"
A = "/v1/activities/{activity_id}"
T = f"{C}/tracks/{{track_id}}"
P = "/v1/patients"
VERBS = ("submit", "complete", "read", "skip", "resume", "expire", "retry", "reassign")
R = f"{D}/releases/{{release_id}}"


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/v1/definitions", "get", {"200", "401", "403", "422", "503"}),
        (D, "get", {"200"} | ONE),
        (D, "put", {"200", "400", "412", "413"} | ONE),
        (D, "delete", {"204", "412"} | ONE),
        (f"{D}/validate", "post", {"200", "400", "409"} | ONE),
        (f"{D}/publish", "post", {"201", "400", "409", "412"} | ONE),
        (f"{D}/live", "get", {"200"} | ONE),
        (f"{D}/live", "put", {"200", "400"} | ONE),
        (f"{D}/constants", "get", {"200"} | ONE),
        (f"{D}/constants/{{name}}", "put", {"200", "400"} | ONE),
        (f"{D}/constants/{{name}}", "delete", {"204"} | ONE),
        ("/v1/definitions/import", "post", {"200", "400", "401", "403", "409", "412", "413", "415", "422", "503"}),
        (f"{D}/releases", "get", {"200"} | ONE),
        (R, "get", {"200"} | ONE),
        (f"{R}/export", "get", {"200"} | ONE),
        (f"{R}/graph", "get", {"200"} | ONE),
        (f"{R}/data-points", "get", {"200"} | ONE),
        (f"{D}/diff", "get", {"200"} | ONE),
        ("/v1/definition-schema", "get", {"200", "401", "403", "422", "503"}),
        ("/v1/identifier-systems", "get", {"200", "401", "403", "422", "503"}),
        ("/v1/identifier-systems", "post", {"201", "400", "401", "403", "409", "422", "503"}),
        ("/v1/audit", "get", {"200", "401", "403", "422", "503"}),
        ("/v1/care-flows", "post", {"201", "400", "409", "410"} | ONE),
        (C, "get", {"200"} | ONE),
        (C, "delete", {"204"} | ONE),
        *((f"{C}/{verb}", "post", {"200", "400", "409"} | ONE) for verb in ("stop", "pause", "resume", "baseline")),
        *((f"{C}/{what}", "get", {"200"} | ONE) for what in ("activities", "data-points", "tracks", "timeline")),
        *(
            (f"{C}/tracks/{{track_id}}/{verb}", "post", {"200", "400", "409"} | ONE)
            for verb in ("add", "schedule", "stop")
        ),
        (f"{C}/scheduled-tracks/{{timer_id}}/cancel", "post", {"200", "400", "409"} | ONE),
        ("/v1/activities", "get", {"200", "401", "403", "422", "503"}),
        (A, "get", {"200"} | ONE),
        *((f"{A}/{verb}", "post", {"200", "400", "409"} | ONE) for verb in VERBS),
        (P, "post", {"201", "400", "401", "403", "409", "422", "503"}),
        (P, "get", {"200", "401", "403", "422", "503"}),
        (f"{P}/upsert", "post", {"200", "201", "400", "401", "403", "409", "422", "503"}),
        (f"{P}/by-identifier", "post", {"200", "400", "409"} | ONE),
        (f"{P}/search", "post", {"200", "400", "401", "403", "409", "422", "503"}),
        (f"{P}/deleted", "get", {"200", "401", "403", "422", "503"}),
        (f"{P}/{{patient_id}}", "get", {"200", "410"} | ONE),
        (f"{P}/{{patient_id}}", "patch", {"200", "400", "410"} | ONE),
        (f"{P}/{{patient_id}}", "delete", {"200", "409"} | ONE),
        (f"{P}/{{patient_id}}/restore", "post", {"200", "400", "409"} | ONE),
        (f"{P}/{{patient_id}}/merge", "post", {"200", "400", "409", "410"} | ONE),
        (f"{P}/{{patient_id}}/identifiers", "post", {"200", "400", "409", "410"} | ONE),
        (f"{P}/{{patient_id}}/identifiers", "put", {"200", "400", "409", "410"} | ONE),
        (f"{P}/{{patient_id}}/identifiers/remove", "post", {"200", "400", "409", "410"} | ONE),
        ("/v1/sessions", "post", {"201", "400", "409"} | ONE),
        ("/v1/sessions/{session_id}", "get", {"200"} | ONE),
        ("/v1/sessions/open", "post", {"200", "400", "409"} | ONE),
    ],
)
def test_every_route_says_how_it_may_end(path: str, method: str, statuses: set[str], document: dict[str, Any]) -> None:
    operation = document["paths"][path][method]
    assert set(operation["responses"]) == statuses
    assert operation["security"] == [{"apiKey": []}]
    assert operation["summary"]


def test_no_example_is_of_a_route_that_is_not_there(document: dict[str, Any]) -> None:
    assert {name for name in EXAMPLES if "/" in name} <= {
        f"{method} {path}" for method, path, _ in operations(document)
    }


def test_every_post_takes_a_key_and_nothing_else_does(document: dict[str, Any]) -> None:
    for method, _, operation in operations(document):
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        assert ("Idempotency-Key" in names) is (method == "POST")


def test_what_is_exported_in_the_example_is_the_document_of_the_others() -> None:
    exported = CareFlowDefinition.model_validate(EXAMPLES[f"GET {R}/export"]["200"])
    assert exported == CareFlowDefinition.model_validate(EXAMPLES[f"GET {R}"]["200"]["document"])


def test_the_description_is_json_and_written_once(document: dict[str, Any]) -> None:
    orjson.dumps(document)
    assert whole_api().openapi() is document


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (P, "post"),
        *((f"{P}/{last}", "post") for last in ("upsert", "by-identifier", "search")),
        (f"{P}/{{patient_id}}", "patch"),
        (f"{P}/{{patient_id}}/merge", "post"),
        *((f"{P}/{{patient_id}}/identifiers", method) for method in ("post", "put")),
        (f"{P}/{{patient_id}}/identifiers/remove", "post"),
    ],
)
def test_every_body_of_patients_has_an_example_of_its_schema(path: str, method: str, document: dict[str, Any]) -> None:
    schema = document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    named = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert faults(document, schema, named["example"]) == []
