"""API calls of care flows: bounded, never into our own network, and known to be the same when they are repeated."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from carewire_orchestrator.adapters import guarded_calls
from carewire_orchestrator.adapters.guarded_calls import Answered, CallFailed, CallRefused, GuardedCalls
from carewire_orchestrator.domain.api_requests import HttpRequest

Answer = Callable[[bytes], bytes]


def call(
    url: str, method: str = "POST", body: str | None = '{"a": 1}', headers: Sequence[tuple[str, str]] = ()
) -> HttpRequest:
    return HttpRequest("activity-1", method, url, tuple(headers), body)


def ok(body: bytes) -> Answer:
    return lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


@asynccontextmanager
async def server(answer: Answer | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server at a URL that answers everything alike, or with None nothing, and what it got."""
    got: list[bytes] = []
    ended: list[asyncio.Event] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.Event())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
            got.append(head + await reader.readexactly(int(length.partition(b":")[2])))
            if answer is None:
                await reader.read()
            else:
                writer.write(answer(head))
            writer.close()
            await writer.wait_closed()
        writer.close()
        ended[-1].set()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/path", got
        for one in ended:
            await one.wait()


@asynccontextmanager
async def calls(
    *, timeout_s: float = 5, allow_http: bool = True, allow_private: bool = True
) -> AsyncIterator[GuardedCalls]:
    made = GuardedCalls(timeout_s=timeout_s, allow_http=allow_http, allow_private=allow_private)
    try:
        yield made
    finally:
        await made.close()


async def test_a_call_says_what_was_asked_under_the_key_of_its_activity() -> None:
    async with server(ok(b'{"x": 7}')) as (url, got), calls() as made:
        headers = [("x-key", "secret"), ("Idempotency-Key", "another")]
        assert await made.call(call(url, headers=headers)) == Answered(200, b'{"x": 7}')
    (request,) = got
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"post /path http/1.1"
    assert body == b'{"a": 1}'
    assert {b"x-key: secret", b"content-type: application/json", b"user-agent: carewire"} <= set(lines)
    assert [line for line in lines if line.startswith(b"idempotency-key")] == [b"idempotency-key: activity-1"]


async def test_a_body_has_the_type_that_the_definition_gives_it() -> None:
    async with server(ok(b"")) as (url, got), calls() as made:
        await made.call(call(url, headers=[("Content-Type", "application/fhir+json")]))
    assert got[0].lower().count(b"content-type") == 1


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Accept-Encoding"])
async def test_how_a_call_is_framed_is_not_the_definitions_to_say(name: str) -> None:
    async with server(ok(b"")) as (url, got), calls() as made:
        await made.call(call(url, headers=[(name, "another")]))
    assert b"another" not in got[0]


async def test_what_a_server_wants_remembered_is_forgotten() -> None:
    remember = b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"
    async with server(lambda _: remember) as (url, got), calls() as made:
        for _ in range(2):
            await made.call(call(url))
    assert not any(b"cookie" in request.lower() for request in got)


async def test_an_answer_in_another_encoding_is_not_unpacked() -> None:
    packed = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nbomb"
    async with server(lambda _: packed) as (url, _), calls() as made:
        with pytest.raises(CallRefused):
            await made.call(call(url))


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    async with server(lambda _: moved) as (url, got), calls() as made:
        assert (await made.call(call(url))).status == 302
    assert len(got) == 1


async def test_an_answer_of_more_than_a_mebibyte_is_not_read_to_the_end() -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (guarded_calls.MOST_BYTES + 1)
    async with server(lambda _: endless) as (url, _), calls() as made:
        with pytest.raises(CallRefused):
            await made.call(call(url))


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"])
async def test_what_is_no_whole_answer_is_a_failure_that_may_pass(answer: bytes) -> None:
    async with server(lambda _: answer) as (url, _), calls() as made:
        with pytest.raises(CallFailed):
            await made.call(call(url))


async def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    async with server(None) as (url, _), calls(timeout_s=0.05) as made:
        with pytest.raises(CallFailed):
            await made.call(call(url))


async def test_nobody_listening_is_a_failure_that_may_pass() -> None:
    async with calls() as made:
        with pytest.raises(CallFailed):
            await made.call(call("http://127.0.0.1:9/"))


@pytest.mark.parametrize(
    "url",
    ["ftp://ehr.example/", "https://user:pass@ehr.example/", "//ehr.example/", "no url", "https://", "http://[::1", ""],
)
async def test_what_is_no_url_for_a_call_is_refused(url: str) -> None:
    async with calls() as made:
        with pytest.raises(CallRefused):
            await made.call(call(url))


async def test_without_encryption_nothing_is_called_unless_a_setting_allows_it() -> None:
    async with server(ok(b"")) as (url, got), calls(allow_http=False) as made:
        with pytest.raises(CallRefused):
            await made.call(call(url))
    assert got == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]"]
)
async def test_our_own_network_is_never_called(host: str) -> None:
    async with calls(allow_private=False) as made:
        with pytest.raises(CallRefused):
            await made.call(call(f"http://{host}:9/"))


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Have every name mean these addresses; answers the names that were looked up."""
    asked: list[str] = []

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return asked


async def test_a_name_that_means_private_addresses_alone_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolving(monkeypatch, "10.0.0.1", "127.0.0.1")
    async with calls(allow_private=False) as made:
        with pytest.raises(CallRefused):
            await made.call(call("https://ehr.example/"))
    assert asked == ["ehr.example"]


async def test_the_very_address_that_was_checked_is_called_under_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "10.0.0.1", "93.184.216.34")
    sent: list[Any] = []

    class Transport(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: Any) -> Any:
            sent.append(request)
            return httpx.Response(204)

    guard = guarded_calls._Guard(Transport())
    async with httpx.AsyncClient(transport=guard) as client:
        await client.get("https://ehr.example/a?b=c")
    (request,) = sent
    assert str(request.url) == "https://93.184.216.34/a?b=c"
    assert request.headers["host"] == "ehr.example"
    assert request.extensions["sni_hostname"] == "ehr.example"
