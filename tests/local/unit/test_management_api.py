"""The client of the management APIs: pages are read to the end, problems are told with their cure."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from carewire_local.errors import RequestRefused
from carewire_local.management_api import ManagementApi

PAGES: dict[str, Any] = {
    "/v1/things": {"items": [1, 2], "next_cursor": "two"},
    "/v1/things?cursor=two": {"items": [3], "next_cursor": None},
}
PROBLEM = {
    "title": "Invalid webhook",
    "detail": "nothing was changed",
    "errors": [{"field": "mapping.age", "message": "needs a path"}, {"field": "name", "message": "is too long"}],
}


class Service(BaseHTTPRequestHandler):
    def answer(self, status: int, body: object = None, kind: str = "application/json") -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        if self.headers["authorization"] != "Bearer key":
            self.answer(401, {"title": "Unauthorized", "detail": "send a key"}, "application/problem+json")
        elif self.path in PAGES:
            self.answer(200, PAGES[self.path])
        else:
            self.answer(502, "<html>a proxy</html>", "text/html")

    def do_POST(self) -> None:
        self.answer(422, PROBLEM, "application/problem+json; charset=utf-8")

    def do_PUT(self) -> None:
        self.answer(200, json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def do_DELETE(self) -> None:
        self.answer(204)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of http.server)
        """Keep the output of the tests clean."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Service)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def api(url: str) -> Iterator[ManagementApi]:
    with ManagementApi(url, "key") as client:
        yield client


def test_a_list_is_read_page_by_page(api: ManagementApi) -> None:
    assert api.all("/v1/things") == [1, 2, 3]


def test_what_is_put_is_sent_as_json_and_the_answer_is_read(api: ManagementApi) -> None:
    assert api.put("/v1/things/1", {"a": [1]}) == {"a": [1]}


def test_an_answer_without_a_body_is_no_error(api: ManagementApi) -> None:
    api.delete("/v1/things/1")


def test_a_problem_is_told_with_all_its_errors(api: ManagementApi) -> None:
    with pytest.raises(RequestRefused) as refused:
        api.post("/v1/things", {})
    assert str(refused.value) == (
        "POST /v1/things was answered 422: Invalid webhook - nothing was changed "
        "(mapping.age: needs a path; name: is too long)"
    )


def test_a_problem_without_errors_is_told_too(url: str) -> None:
    with (
        ManagementApi(url, "another key") as client,
        pytest.raises(RequestRefused, match=r"401: Unauthorized - send a key$"),
    ):
        client.get("/v1/things")


def test_an_answer_of_something_else_is_not_shown(api: ManagementApi) -> None:
    with pytest.raises(RequestRefused, match=r"502: no reason was given$"):
        api.get("/elsewhere")
