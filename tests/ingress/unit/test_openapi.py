"""The API describes itself: every route, every answer of each, and an example that is what it says."""

from typing import Any, cast

import orjson
import pytest
from fastapi import FastAPI

from carewire_contracts.requests import DataPointValue, Reason, ReasonCode
from carewire_ingress.adapters.mapping_api import MappingApi
from carewire_ingress.adapters.openapi import describe
from carewire_ingress.adapters.request_api import RequestApi
from carewire_ingress.adapters.resubmission_api import ResubmissionApi
from carewire_ingress.adapters.webhook_api import WebhookApi
from carewire_ingress.domain import answers
from carewire_ingress.domain.admit import Accepted, Filtered, Rejected
from carewire_ingress.domain.answers import Answer
from carewire_runtime.http.audit_api import audit_router
from carewire_runtime.http.openapi import operations
from carewire_testing.openapi import faults, wrong_examples

ID = "019cad9d-dd48-7000-8000-000000000001"
REASON = Reason(ReasonCode.NO_MATCH, "nothing there")
HOOK = "/hooks/{token}"
TEST = "/hooks/{token}/test"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    unused = cast("Any", None)
    app = FastAPI()
    for router in (
        MappingApi(unused, unused, unused, unused, most_bytes=1).router(),
        WebhookApi(unused, unused, "https://hooks.example.org").router(),
        RequestApi(unused, unused).router(),
        ResubmissionApi(unused, unused).router(),
        audit_router(unused),
    ):
        app.include_router(router)
    describe(app.openapi())
    return app.openapi()


def test_every_answer_has_an_example_of_its_schema(document: dict[str, Any]) -> None:
    assert wrong_examples(document) == {}


@pytest.mark.parametrize(
    ("path", "method", "more"),
    [
        ("/v1/incoming-webhooks", "post", {"201", "400"}),
        ("/v1/incoming-webhooks", "get", {"200"}),
        ("/v1/incoming-webhooks/{webhook_id}", "get", {"200", "404"}),
        ("/v1/incoming-webhooks/{webhook_id}", "patch", {"200", "400", "404"}),
        ("/v1/incoming-webhooks/{webhook_id}", "delete", {"204", "404"}),
        ("/v1/incoming-webhooks/{webhook_id}/enable", "post", {"200", "404"}),
        ("/v1/incoming-webhooks/{webhook_id}/disable", "post", {"200", "404"}),
        ("/v1/incoming-webhooks/{webhook_id}/rotate-token", "post", {"200", "400", "404"}),
        ("/v1/incoming-webhooks/{webhook_id}/end-rotation", "post", {"200", "404"}),
        ("/v1/incoming-webhooks/dry-run", "post", {"200", "400", "413"}),
        ("/v1/incoming-webhooks/{webhook_id}/dry-run", "post", {"200", "400", "404", "413"}),
        ("/v1/incoming-webhooks/{webhook_id}/mapping-suggestions", "get", {"200", "404"}),
        ("/v1/requests", "get", {"200"}),
        ("/v1/requests/export", "get", {"200"}),
        ("/v1/requests/{request_id}", "get", {"200", "404"}),
        ("/v1/requests/resubmit", "post", {"200", "400"}),
        ("/v1/requests/{request_id}/resubmit", "post", {"202", "404", "409", "413"}),
        ("/v1/audit", "get", {"200"}),
    ],
)
def test_every_route_says_how_it_may_end(path: str, method: str, more: set[str], document: dict[str, Any]) -> None:
    operation = document["paths"][path][method]
    assert set(operation["responses"]) == more | {"401", "403", "422", "503"}
    assert operation["security"] == [{"apiKey": []}]


def test_no_other_route_is_told_of(document: dict[str, Any]) -> None:
    assert len(list(operations(document))) == 18 + 2
    assert all(operation["summary"] for _, _, operation in operations(document))


@pytest.mark.parametrize("path", [HOOK, TEST])
def test_the_urls_of_third_parties_need_no_key(path: str, document: dict[str, Any]) -> None:
    operation = document["paths"][path]["post"]
    assert operation["security"] == []
    assert set(operation["requestBody"]["content"]) == {"application/json", "application/x-www-form-urlencoded"}


ACCEPTED = Accepted("release-1", ID, "0" * 64, (), (DataPointValue("a", "number", 4),))
CONDITION = {
    "at": "all.0",
    "id": None,
    "reference": "$.a",
    "operator": "is_equal_to",
    "operand": 1,
    "value": 2,
    "satisfied": False,
    "empty": False,
}


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        pytest.param(HOOK, answers.scheduled(ID), id="scheduled"),
        pytest.param(HOOK, answers.filtered(ID), id="filtered"),
        pytest.param(HOOK, answers.rejected(ID, Rejected((REASON,))), id="rejected"),
        pytest.param(HOOK, answers.rejected(ID, Rejected((Reason(ReasonCode.DISABLED, "off"),))), id="disabled"),
        pytest.param(
            HOOK, answers.rejected(ID, Rejected((Reason(ReasonCode.UNAUTHENTICATED, "who?"),))), id="unauthenticated"
        ),
        pytest.param(HOOK, answers.unavailable(2), id="unavailable"),
        pytest.param(HOOK, answers.too_many(0.3), id="too-many"),
        pytest.param(HOOK, answers.too_large(1_048_576), id="too-large"),
        pytest.param(HOOK, answers.UNKNOWN_WEBHOOK, id="unknown"),
        pytest.param(HOOK, answers.METHOD_NOT_ALLOWED, id="method"),
        pytest.param(HOOK, answers.UNSUPPORTED_MEDIA_TYPE, id="media-type"),
        pytest.param(HOOK, answers.READ_TIMEOUT, id="too-slow"),
        pytest.param(TEST, answers.tested(ID, ACCEPTED), id="test-accepted"),
        pytest.param(TEST, answers.tested(ID, Filtered((CONDITION,))), id="test-filtered"),
        pytest.param(TEST, answers.tested(ID, Rejected((REASON,))), id="test-rejected"),
        pytest.param(TEST, answers.unavailable(2), id="test-unavailable"),
    ],
)
def test_what_third_parties_are_told_is_as_described(path: str, answer: Answer, document: dict[str, Any]) -> None:
    described = document["paths"][path]["post"]["responses"][str(answer.status)]["content"]
    content = described[answer.content_type.decode()]
    said = orjson.loads(answer.body)
    assert faults(document, content["schema"], said) == []
    if answer.status >= 400:
        assert said["title"] == content["example"]["title"]
        assert said["type"] == content["example"]["type"]
    else:
        assert set(said) >= {"request_id", "status"}


@pytest.mark.parametrize(
    "name", ["CreateWebhook", "UpdateWebhook", "RotateToken", "DryRunOfNew", "DryRunOfStored", "ResubmitMany"]
)
def test_what_can_be_sent_is_shown_by_examples(name: str, document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"][name]
    examples = schema.get("examples", [])
    assert examples
    assert [faults(document, {"$ref": f"#/components/schemas/{name}"}, example) for example in examples] == [[]] * len(
        examples
    )
