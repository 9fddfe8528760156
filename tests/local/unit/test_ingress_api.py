"""The typed client of ingress without an event loop of the caller's own: every page is read, problems are told."""

from collections.abc import Iterator

import pytest

from carewire_local.errors import RequestRefused
from carewire_local.ingress_api import IngressApi
from carewire_testing_ingress.described import example
from carewire_testing_local.served_api import KEY, Answers, served

WEBHOOKS, REQUESTS = "/v1/incoming-webhooks", "/v1/requests"
WEBHOOK = example(f"GET {WEBHOOKS}/{{webhook_id}}", 200)
REQUEST = example(f"GET {REQUESTS}/{{request_id}}", 200)
PROBLEM = {
    "title": "Invalid webhook",
    "detail": "nothing was changed",
    "errors": [{"field": "mapping.age", "message": "needs a path"}],
}
ANSWERS: Answers = {
    f"GET {WEBHOOKS}": (200, {"items": [WEBHOOK], "next_cursor": "two"}),
    f"GET {WEBHOOKS}?cursor=two": (200, {"items": [WEBHOOK, WEBHOOK], "next_cursor": None}),
    f"POST {WEBHOOKS}": (422, PROBLEM),
    f"POST {WEBHOOKS}/w-1/enable": (200, WEBHOOK),
    f"GET {REQUESTS}/r-1?payload=false": (200, REQUEST),
    f"GET {REQUESTS}/r-2?payload=false": (502, b"<html>a proxy</html>"),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(ANSWERS) as base:
        yield base


@pytest.fixture
def api(url: str) -> Iterator[IngressApi]:
    with IngressApi(url, KEY) as client:
        yield client


def test_all_pages_of_webhooks_are_read(api: IngressApi) -> None:
    assert [webhook.id for webhook in api.webhooks()] == [WEBHOOK["id"]] * 3


def test_one_connection_serves_many_calls(api: IngressApi) -> None:
    assert api.enable_webhook("w-1").id == WEBHOOK["id"]
    assert api.request("r-1").status == REQUEST["status"]


def test_a_problem_is_told_with_all_its_errors(api: IngressApi) -> None:
    with pytest.raises(RequestRefused) as refused:
        api.create_webhook({"name": "A"})
    assert str(refused.value) == (
        "ingress answered 422: Invalid webhook - nothing was changed (mapping.age: needs a path)"
    )


def test_a_problem_without_errors_is_told_too(url: str) -> None:
    with IngressApi(url, "another key") as api, pytest.raises(RequestRefused, match=r"401: Unauthorized - send a key$"):
        api.webhooks()


def test_an_answer_of_something_else_is_not_shown(api: IngressApi) -> None:
    with pytest.raises(RequestRefused, match=r"502: no reason was given$"):
        api.request("r-2")
