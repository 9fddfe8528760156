"""What any sender has to do, whatever it is made of: against real sockets, of receivers that mean well."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from carewire_dispatcher.adapters.sender import Sender
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_testing import eventually
from carewire_testing.free_ports import free_port
from carewire_testing_dispatcher.raw_server import RawServer, raw_server
from carewire_testing_dispatcher.receiver import Receiver, Reply
from carewire_testing_dispatcher.senders import BODY, SENDERS, a_call, sending

OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = b"content-length: 0\r\n\r\n"


@pytest.fixture(params=SENDERS, ids=lambda made: made.__name__)
async def sender(request: pytest.FixtureRequest) -> AsyncIterator[Sender]:
    async with sending(request.param) as made:
        yield made


def has_closed(server: RawServer, times: int) -> bool:
    return server.closed == times


async def test_headers_and_bytes_arrive_as_they_are(sender: Sender, hooks: Receiver) -> None:
    assert await sender.send(a_call(hooks.url("/hook?x=1%202"))) == Answer(200)
    [received] = hooks.received
    assert received.body == BODY
    assert received.headers["x-team"] == "beta"
    assert received.headers["content-length"] == "7"
    assert received.headers["host"] == hooks.base_url.removeprefix("http://")


async def test_nothing_is_sent_that_nobody_asked_for(sender: Sender) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + EMPTY)
        await writer.drain()

    async with raw_server(answer) as server:
        assert await sender.send(a_call(server.url())) == Answer(200)
    names = {line.partition(":")[0].lower() for line in server.heads[0].splitlines()[1:] if line}
    assert names - {"user-agent"} == {"host", "content-length", "content-type", "x-team"}


@pytest.mark.parametrize("size", [0, 1, 65_536, 1_000_000])
async def test_bodies_of_any_size_arrive(sender: Sender, hooks: Receiver, size: int) -> None:
    body = bytes(number % 251 for number in range(size))
    assert await sender.send(a_call(hooks.url("/"), body=body)) == Answer(200)
    assert [received.body for received in hooks.received] == [body]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299, 304, 400, 401, 404, 410, 418, 500, 503, 599])
async def test_any_status_is_an_answer(sender: Sender, hooks: Receiver, status: int) -> None:
    answer = await sender.send(a_call(hooks.url("/", lambda _: Reply(status))))
    assert answer == Answer(status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(sender: Sender, hooks: Receiver, status: int) -> None:
    url = hooks.url("/from", lambda _: Reply(status, {"Location": hooks.url("/to")}))
    assert await sender.send(a_call(url)) == Answer(status)
    assert [received.path for received in hooks.received] == ["/from"]


async def test_no_cookie_is_kept(sender: Sender, hooks: Receiver) -> None:
    url = hooks.url("/", lambda _: Reply(200, {"Set-Cookie": "a=b"}))
    for _ in range(2):
        assert await sender.send(a_call(url)) == Answer(200)
    assert all("cookie" not in received.headers for received in hooks.received)


async def test_retry_after_is_passed_on(sender: Sender, hooks: Receiver) -> None:
    url = hooks.url("/", lambda _: Reply(503, {"Retry-After": "7"}))
    assert await sender.send(a_call(url)) == Answer(503, "7")


async def test_nobody_listening_is_a_failure_to_connect(sender: Sender) -> None:
    assert await sender.send(a_call(f"http://127.0.0.1:{free_port()}/")) == Failure.CONNECT


async def test_an_unknown_name_is_a_failure_of_dns(sender: Sender) -> None:
    assert await sender.send(a_call("http://no-such-name.invalid/")) == Failure.DNS


async def test_proxies_of_the_environment_are_ignored(
    sender: Sender, hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert await sender.send(a_call(hooks.url("/"))) == Answer(200)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OK + b"content-length: 5\r\n\r\nhello", id="of a known length"),
        pytest.param(OK + EMPTY, id="without a body"),
        pytest.param(OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", id="chunked"),
        pytest.param(
            OK + b"transfer-encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n",
            id="chunked, with trailers",
        ),
        pytest.param(b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", id="without a reason phrase"),
        pytest.param(b"HTTP/1.1 200 OK\ncontent-length: 0\n\n", id="with mere line feeds"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + EMPTY, id="after an interim answer"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * 5 + OK + EMPTY, id="after several of them"),
        pytest.param(OK + b"content-encoding: gzip\r\ncontent-length: 3\r\n\r\nzip", id="said to be packed"),
    ],
)
async def test_a_sound_answer_of_any_shape_leaves_its_connection_for_the_next_call(
    sender: Sender, answer: bytes
) -> None:
    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readexactly(len(BODY))
            for byte in answer:
                writer.write(bytes([byte]))
            await writer.drain()
            await reader.readuntil(b"\r\n\r\n")

    async with raw_server(keep) as server:
        for _ in range(3):
            assert await sender.send(a_call(server.url())) == Answer(200)
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OK + b"\r\nhello", id="ended by the end of the connection"),
        pytest.param(OK + b"connection: close\r\ncontent-length: 5\r\n\r\nhello", id="announced as the last one"),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", id="of HTTP/1.0"),
    ],
)
async def test_after_an_answer_that_was_the_last_the_next_call_has_a_connection_of_its_own(
    sender: Sender, answer: bytes
) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(BODY))
        writer.write(answer)
        await writer.drain()

    async with raw_server(once) as server:
        for number in range(1, 4):
            assert await sender.send(a_call(server.url())) == Answer(200)
            await eventually(partial(has_closed, server, number))
    assert server.connections == 3


async def test_where_a_kept_connection_was_closed_without_a_word_no_call_arrives_twice(sender: Sender) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(BODY))
        writer.write(OK + EMPTY)
        await writer.drain()

    async with raw_server(once) as server:
        results = [await sender.send(a_call(server.url())) for _ in range(20)]
    assert set(results) <= {Answer(200), Failure.DISCONNECTED}
    assert len(server.heads) == results.count(Answer(200))


async def test_calls_side_by_side_have_connections_side_by_side(sender: Sender) -> None:
    all_are_there = asyncio.Barrier(20)

    async def wait_for_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(BODY))
        await all_are_there.wait()
        writer.write(OK + EMPTY)
        await writer.drain()

    async with raw_server(wait_for_all) as server:
        answers = await asyncio.gather(*(sender.send(a_call(server.url(), 30)) for _ in range(20)))
    assert answers == [Answer(200)] * 20
    assert server.connections == 20


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # aiohttp warns of what is meant here
async def test_an_answer_before_the_end_of_the_request_counts(sender: Sender) -> None:
    async def early(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(5)

    async with raw_server(early) as server:
        large = bytes(20_000_000)
        for _ in range(2):
            assert await sender.send(a_call(server.url(), body=large)) == Answer(413)
        assert server.connections == 2, "the rest of a request must not become the head of the next one"


async def test_a_call_that_is_cancelled_takes_its_connection_along(sender: Sender) -> None:
    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(hang) as server:
        calling = asyncio.create_task(sender.send(a_call(server.url(), 60)))
        await eventually(lambda: server.connections == 1)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        await eventually(lambda: server.closed == 1)


async def test_stopping_closes_what_is_idle() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(BODY))
        writer.write(OK + EMPTY)
        await reader.read()

    for made in SENDERS:
        async with raw_server(answer) as server:
            async with sending(made) as sender:
                assert await sender.send(a_call(server.url())) == Answer(200)
                assert server.closed == 0
            await eventually(partial(has_closed, server, 1))
