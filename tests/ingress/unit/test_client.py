"""The typed client asks as the API's description says, and turns problems into errors."""

from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from carewire_ingress.client import IngressClient
from carewire_ingress.errors import RefusedByIngress
from carewire_testing_ingress.described import example

W, R = "w-1", "r-1"
WEBHOOKS, REQUESTS = "/v1/incoming-webhooks", "/v1/requests"
ONE, ONE_REQUEST = WEBHOOKS + "/{webhook_id}", REQUESTS + "/{request_id}"


class Api:
    """Answers with the example of whatever is asked, and remembers what that was."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.asked: list[httpx.Request] = []
        self._answer = answer
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._handle), base_url="http://ingress")
        self.client = IngressClient(http)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._answer(request)


def answering(status: int, body: Any) -> Api:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Api(lambda _: httpx.Response(status, content=content))


@pytest.mark.parametrize(
    ("call", "operation", "status", "path", "sent"),
    [
        (lambda c: c.create_webhook(name="A"), f"POST {WEBHOOKS}", 201, WEBHOOKS, {"name": "A"}),
        (lambda c: c.webhook(W), f"GET {ONE}", 200, f"{WEBHOOKS}/{W}", None),
        (lambda c: c.update_webhook(W, filter=None), f"PATCH {ONE}", 200, f"{WEBHOOKS}/{W}", {"filter": None}),
        (lambda c: c.enable_webhook(W), f"POST {ONE}/enable", 200, f"{WEBHOOKS}/{W}/enable", None),
        (lambda c: c.disable_webhook(W), f"POST {ONE}/disable", 200, f"{WEBHOOKS}/{W}/disable", None),
        (lambda c: c.rotate_token(W), f"POST {ONE}/rotate-token", 200, f"{WEBHOOKS}/{W}/rotate-token", None),
        (
            lambda c: c.rotate_token(W, overlap_seconds=0),
            f"POST {ONE}/rotate-token",
            200,
            f"{WEBHOOKS}/{W}/rotate-token",
            {"overlap_seconds": 0},
        ),
        (lambda c: c.end_rotation(W), f"POST {ONE}/end-rotation", 200, f"{WEBHOOKS}/{W}/end-rotation", None),
        (
            lambda c: c.dry_run({"name": "A"}, payload=[1]),
            f"POST {WEBHOOKS}/dry-run",
            200,
            f"{WEBHOOKS}/dry-run",
            {"payload": [1], "configuration": {"name": "A"}},
        ),
        (
            lambda c: c.dry_run({}, webhook_id=W, text="a=1"),
            f"POST {ONE}/dry-run",
            200,
            f"{WEBHOOKS}/{W}/dry-run",
            {"text": "a=1", "configuration": {}},
        ),
        (
            lambda c: c.mapping_suggestions(W),
            f"GET {ONE}/mapping-suggestions",
            200,
            f"{WEBHOOKS}/{W}/mapping-suggestions",
            None,
        ),
        (lambda c: c.requests(reason=None), f"GET {REQUESTS}", 200, REQUESTS, None),
        (
            lambda c: c.requests(status=["TEST", "FAILED"], limit=2),
            f"GET {REQUESTS}",
            200,
            f"{REQUESTS}?status=TEST&status=FAILED&limit=2",
            None,
        ),
        (lambda c: c.request(R, payload=False), f"GET {ONE_REQUEST}", 200, f"{REQUESTS}/{R}?payload=false", None),
        (lambda c: c.resubmit(R), f"POST {ONE_REQUEST}/resubmit", 202, f"{REQUESTS}/{R}/resubmit", None),
        (lambda c: c.resubmit_many(ids=[R]), f"POST {REQUESTS}/resubmit", 200, f"{REQUESTS}/resubmit", {"ids": [R]}),
    ],
)
async def test_each_method_is_one_operation(
    call: Callable[[IngressClient], Any], operation: str, status: int, path: str, sent: Any
) -> None:
    said = example(operation, status)
    api = answering(status, said)
    answer = await call(api.client)
    [asked] = api.asked
    assert f"{asked.method} {asked.url.raw_path.decode()}" == f"{operation.split()[0]} {path}"
    assert (orjson.loads(asked.content) if asked.content else None) == sent
    assert answer.model_dump(mode="json", exclude_unset=True) == said


async def test_all_pages_of_webhooks_are_followed() -> None:
    shown = example(f"GET {ONE}", 200)
    pages = iter([{"items": [shown], "next_cursor": "c-1"}, {"items": [shown, shown], "next_cursor": None}])
    api = Api(lambda _: httpx.Response(200, json=next(pages)))
    assert len([one async for one in api.client.webhooks(enabled=True)]) == 3
    assert [dict(asked.url.params) for asked in api.asked] == [
        {"enabled": "true"},
        {"enabled": "true", "cursor": "c-1"},
    ]


async def test_an_export_comes_line_by_line() -> None:
    line = orjson.dumps(example(f"GET {ONE_REQUEST}", 200)) + b"\n"
    api = answering(200, line * 3)
    assert len([one.id async for one in api.client.export_requests(payload=True)]) == 3


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (404, {"title": "No such request", "detail": "check the id"}, "404: No such request - check the id"),
        (503, {"title": "Not available"}, "503: Not available"),
        (502, b"<html>", "502: no problem document"),
        (500, [1], "500: no problem document"),
    ],
)
async def test_a_problem_is_an_error_with_its_document(status: int, body: Any, message: str) -> None:
    client = answering(status, body).client
    with pytest.raises(RefusedByIngress) as caught:
        await client.webhook(W)
    assert str(caught.value) == message
    assert caught.value.status == status
    assert caught.value.problem == (body if isinstance(body, dict) else {})
    with pytest.raises(RefusedByIngress):
        await anext(client.export_requests())


async def test_a_deletion_answers_nothing() -> None:
    api = answering(204, b"")
    async with api.client as client:
        await client.delete_webhook(W)
    assert api.asked[0].method == "DELETE"


async def test_a_client_of_its_own_sends_the_key() -> None:
    async with IngressClient.at("http://ingress", "cw_admin_key") as client:
        assert client._http.headers["authorization"] == "Bearer cw_admin_key"
        assert client._http.base_url == "http://ingress"
