"""What any sender has to do, whatever it is made of: against real sockets."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from carewire_dispatcher.adapters.aiohttp_sender import BODY_MAX, AiohttpSender
from carewire_dispatcher.adapters.sender import Call, Sender
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_testing_dispatcher.receiver import Receiver, Reply
from carewire_testing_dispatcher.service import free_port

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

MAKERS = [AiohttpSender]
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(params=MAKERS, ids=lambda maker: maker.__name__)
async def sender(request: pytest.FixtureRequest) -> AsyncIterator[Sender]:
    made: Sender = request.param(allow_http=True, allow_private=True)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture(params=MAKERS, ids=lambda maker: maker.__name__)
async def strict_sender(request: pytest.FixtureRequest) -> AsyncIterator[Sender]:
    made: Sender = request.param(allow_http=True, allow_private=False)
    await made.start()
    yield made
    await made.stop()


@asynccontextmanager
async def raw_server(behave: Behaviour) -> AsyncIterator[str]:
    """A server that behaves as badly as it is told, once the request has arrived."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await behave(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


def a_call(url: str, timeout_s: float = 2.0) -> Call:
    return Call(url, {"content-type": "application/json", "x-team": "beta"}, b'{"a":1}', timeout_s)


async def test_headers_and_bytes_arrive_as_they_are(sender: Sender, hooks: Receiver) -> None:
    assert await sender.send(a_call(hooks.url("/hook?x=1%202"))) == Answer(200)
    [received] = hooks.received
    assert received.body == b'{"a":1}'
    assert received.headers["x-team"] == "beta"
    assert received.headers["content-length"] == "7"


@pytest.mark.parametrize("status", [204, 301, 302, 307, 404, 500])
async def test_any_status_is_an_answer_and_no_redirect_is_followed(
    sender: Sender, hooks: Receiver, status: int
) -> None:
    url = hooks.url("/from", lambda _: Reply(status, {"Location": hooks.url("/to")}))
    answer = await sender.send(a_call(url))
    assert isinstance(answer, Answer)
    assert answer.status == status
    assert [received.path for received in hooks.received] == ["/from"]


async def test_retry_after_is_passed_on(sender: Sender, hooks: Receiver) -> None:
    url = hooks.url("/", lambda _: Reply(503, {"Retry-After": "7"}))
    assert await sender.send(a_call(url)) == Answer(503, "7")


async def test_who_never_answers_is_given_up_at_the_deadline(sender: Sender, hooks: Receiver) -> None:
    began = time.monotonic()
    assert await sender.send(a_call(hooks.url("/", lambda _: Reply(hang=True)), 0.3)) == Failure.TIMEOUT
    assert time.monotonic() - began < 1


async def test_nobody_listening_is_a_failure_to_connect(sender: Sender) -> None:
    assert await sender.send(a_call(f"http://127.0.0.1:{free_port()}/")) == Failure.CONNECT


async def test_an_unknown_name_is_a_failure_of_dns(sender: Sender) -> None:
    assert await sender.send(a_call("http://no-such-name.invalid/")) == Failure.DNS


async def test_a_reset_before_the_answer_is_a_lost_connection(sender: Sender) -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with raw_server(reset) as url:
        assert await sender.send(a_call(url)) == Failure.DISCONNECTED


async def test_what_is_no_http_is_a_failure_of_protocol(sender: Sender) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+PONG\r\n\r\n")
        await writer.drain()

    async with raw_server(babble) as url:
        assert await sender.send(a_call(url)) == Failure.PROTOCOL


async def test_endless_headers_are_cut_off(sender: Sender) -> None:
    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"x-flood: ")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with raw_server(flood) as url:
        assert await sender.send(a_call(url)) == Failure.PROTOCOL


async def test_a_body_without_end_is_not_read_and_the_status_counts(sender: Sender) -> None:
    sent = 0

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(OK + b"content-length: 1000000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    async with raw_server(endless) as url:
        began = time.monotonic()
        assert await sender.send(a_call(url)) == Answer(200)
        assert time.monotonic() - began < 1
    assert sent < BODY_MAX * 1000


async def test_a_dripping_body_ends_at_the_deadline_and_the_status_counts(sender: Sender) -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"content-length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw_server(drip) as url:
        began = time.monotonic()
        assert await sender.send(a_call(url, 0.3)) == Answer(200)
        assert time.monotonic() - began < 1


async def test_a_gzip_bomb_stays_packed(sender: Sender, hooks: Receiver) -> None:
    url = hooks.url("/", lambda _: Reply(200, {"Content-Encoding": "gzip"}, body=b"not even gzip"))
    assert await sender.send(a_call(url)) == Answer(200)


async def test_connections_are_used_again(sender: Sender) -> None:
    connections = 0

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await reader.readexactly(7)
            writer.write(OK + b"content-length: 2\r\n\r\nok")
            await writer.drain()
            await reader.readuntil(b"\r\n\r\n")

    async with raw_server(keep) as url:
        for _ in range(3):
            assert await sender.send(a_call(url)) == Answer(200)
    assert connections == 1


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254", "localhost", "0x7f.1"]
)
async def test_addresses_of_inside_are_refused_without_a_call(
    strict_sender: Sender, hooks: Receiver, host: str
) -> None:
    port = hooks.base_url.rpartition(":")[2]
    assert await strict_sender.send(a_call(f"http://{host}:{port}/")) == Failure.ADDRESS_REFUSED
    assert hooks.received == []


async def test_plain_http_is_refused_unless_allowed(hooks: Receiver) -> None:
    made = AiohttpSender(allow_private=True)
    await made.start()
    try:
        assert await made.send(a_call(hooks.url("/"))) == Failure.INSECURE_URL
        assert await made.send(a_call(hooks.url("/").replace("http:", "https:"))) == Failure.TLS
    finally:
        await made.stop()


async def test_proxies_of_the_environment_are_ignored(
    sender: Sender, hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert await sender.send(a_call(hooks.url("/"))) == Answer(200)
