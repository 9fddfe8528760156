"""The client of the management APIs: pages are read to the end, problems are told with their cure."""

from collections.abc import Iterator

import pytest

from carewire_local.errors import RequestRefused
from carewire_local.management_api import ManagementApi
from carewire_testing_local.served_api import KEY, Answers, served

PROBLEM = {
    "title": "Invalid webhook",
    "detail": "nothing was changed",
    "errors": [{"field": "mapping.age", "message": "needs a path"}, {"field": "name", "message": "is too long"}],
}
ANSWERS: Answers = {
    "GET /v1/things": (200, {"items": [1, 2], "next_cursor": "two"}),
    "GET /v1/things?cursor=two": (200, {"items": [3], "next_cursor": None}),
    "GET /elsewhere": (502, b"<html>a proxy</html>"),
    "POST /v1/things": (422, PROBLEM),
    "PUT /v1/things/1": (200, lambda came: came),
    "DELETE /v1/things/1": (204, b""),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(ANSWERS) as base:
        yield base


@pytest.fixture
def api(url: str) -> Iterator[ManagementApi]:
    with ManagementApi(url, KEY) as client:
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
