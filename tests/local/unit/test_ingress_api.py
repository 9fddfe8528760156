"""The typed client of ingress without an event loop of the caller's own: every page is read, problems are told."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from carewire_local.errors import RequestRefused
from carewire_local.ingress_api import IngressApi
from carewire_testing_ingress.described import example

WEBHOOKS, REQUESTS = "/v1/incoming-webhooks", "/v1/requests"
WEBHOOK = example(f"GET {WEBHOOKS}/{{webhook_id}}", 200)
REQUEST = example(f"GET {REQUESTS}/{{request_id}}", 200)
PROBLEM = {
    "title": "Invalid webhook",
    "detail": "nothing was changed",
    "errors": [{"field": "mapping.age", "message": "needs a path"}],
}
ANSWERS: dict[str, tuple[int, Any]] = {
    f"GET {WEBHOOKS}": (200, {"items": [WEBHOOK], "next_cursor": "two"}),
    f"GET {WEBHOOKS}?cursor=two": (200, {"items": [WEBHOOK, WEBHOOK], "next_cursor": None}),
    f"POST {WEBHOOKS}": (422, PROBLEM),
    f"POST {WEBHOOKS}/w-1/enable": (200, WEBHOOK),
    f"GET {REQUESTS}/r-1?payload=false": (200, REQUEST),
}


class Ingress(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"] or 0))
        self.answer()

    def answer(self) -> None:
        known = self.headers["authorization"] == "Bearer key"
        status, body = ANSWERS[f"{self.command} {self.path}"] if known else (401, {})
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of http.server)
        """Keep the output of the tests clean."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Ingress)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def api(url: str) -> Iterator[IngressApi]:
    with IngressApi(url, "key") as client:
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


def test_an_answer_without_a_problem_document_is_told_by_its_status(url: str) -> None:
    with IngressApi(url, "another key") as api, pytest.raises(RequestRefused, match="401: no reason was given"):
        api.webhooks()
