"""A connection that does not get to the point is ended, with an answer where one can be given."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from carewire_runtime.http.exchange import Exchange
from carewire_runtime.http.guarding import HeadLimits
from carewire_runtime.http.server import HttpServer
from carewire_testing_runtime.running import running

PATIENCE_S = 20.0
LIMITS = HeadLimits(size=4_096, seconds=PATIENCE_S)
HURRIED = HeadLimits(size=4_096, seconds=0.3)
"""For what is about slowness: elsewhere a busy machine would make a sender slow that is not meant to be."""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at connections more often, so that a test takes a part of a second."""
    monkeypatch.setattr("carewire_runtime.http.server._TICK_S", 0.05)


async def hello(_scope: Any, _receive: Any, send: Any) -> None:
    """Answer at once, whatever of the body is still to come."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def reading(_scope: Any, receive: Any, send: Any) -> None:
    """Answer when the body is complete."""
    while (await receive()).get("more_body", False):
        pass
    await hello(_scope, receive, send)


class Direct:
    """The same answers by a route of its own, without an ASGI application."""

    prefix = "/"

    def __init__(self, app: Any) -> None:
        self._app = app

    def arrived(self, exchange: Exchange) -> None:
        if self._app is reading and exchange.more_body:
            exchange.wait(self._look)
        else:
            exchange.answer(200, b"content-length: 5\r\n", b"hello")

    def _look(self, exchange: Exchange) -> None:
        if not exchange.more_body:
            exchange.answer(200, b"content-length: 5\r\n", b"hello")


@pytest.fixture(autouse=True, params=[None, Direct], ids=["asgi", "direct"])
def direct(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold whoever answers to the same."""
    monkeypatch.setattr(Served, "route", request.param)


class Served:
    """How requests are served now."""

    route: Any = None


class Line:
    """A connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0.01)

    async def rest(self) -> bytes:
        """All that comes until the other side closes."""
        found = b""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while piece := await self._reader.read(65_536):
                    found += piece
            except ConnectionError:
                pass
        return found

    async def answer(self) -> bytes:
        """The next answer, which is `hello`."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._reader.readuntil(b"hello")

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


@asynccontextmanager
async def connected(app: Any = hello, limits: HeadLimits | None = LIMITS) -> AsyncIterator[Line]:
    server = HttpServer(app, "127.0.0.1", 0, limits, Served.route and Served.route(app))
    async with running(server):
        await server.started.wait()
        line = Line(*await asyncio.open_connection("127.0.0.1", server.port))
        try:
            yield line
        finally:
            await line.close()


def status(answer: bytes) -> int:
    return int(answer[9:12])


def head(*lines: bytes, target: bytes = b"/") -> bytes:
    return b"\r\n".join([b"POST %b HTTP/1.1" % target, b"Host: a", *lines, b"", b""])


async def test_an_ordinary_request_is_answered_and_the_connection_kept() -> None:
    async with connected() as line:
        for _ in range(3):
            await line.say(head(b"Content-Length: 0"))
            assert status(await line.answer()) == 200


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([head(b"X: " + b"a" * 4_096)], id="one long header at once"),
        pytest.param([head(target=b"/" + b"a" * 4_096)], id="long URL"),
        pytest.param([head(*[b"X-%d: a" % number for number in range(201)])], id="too many headers"),
        pytest.param([b"POST / HTTP/1.1\r\nX: ", *[b"a" * 1_024] * 6], id="one header without an end"),
        pytest.param([b"POST /", *[b"a" * 1_024] * 6], id="URL without an end"),
        pytest.param([b"POST / HTTP/1.1\r\n", *[b"X: " + b"a" * 1_000 + b"\r\n"] * 6], id="headers without an end"),
        pytest.param([head(b"Content-Length: 0"), head(b"X: " + b"a" * 4_096)], id="as the second request"),
    ],
)
async def test_a_head_that_is_too_large_is_told_so_and_the_connection_ended(pieces: list[bytes]) -> None:
    async with connected() as line:
        await line.say(*pieces)
        last = (await line.rest()).rpartition(b"HTTP/1.1 ")[2]
    assert last.startswith(b"431 ")
    assert b"content-type: application/problem+json" in last
    problem = orjson.loads(last.partition(b"\r\n\r\n")[2])
    assert (problem["status"], problem["type"]) == (431, "about:blank")


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([b"X: " + b"a" * 3_900], id="just below the bytes"),
        pytest.param([b"X-%d: a" % number for number in range(190)], id="just below the number"),
    ],
)
async def test_a_head_within_its_bounds_is_taken_in_any_pieces(lines: list[bytes]) -> None:
    request = head(*lines, b"Content-Length: 0")
    async with connected() as line:
        await line.say(request)
        assert status(await line.answer()) == 200
        await line.say(*[request[at : at + 500] for at in range(0, len(request), 500)])
        assert status(await line.answer()) == 200


async def test_a_body_counts_for_no_head_not_even_in_one_packet_with_the_next_request() -> None:
    request = head(b"Content-Length: 9000") + b"b" * 9_000
    async with connected(reading) as line:
        await line.say(request + request[:100], request[100:])
        for _ in range(2):
            assert status(await line.answer()) == 200


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"nonsense\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"]
)
async def test_what_is_no_http_is_told_so(said: bytes) -> None:
    async with connected() as line:
        await line.say(said)
        answer = await line.rest()
    assert status(answer) == 400
    assert orjson.loads(answer.partition(b"\r\n\r\n")[2])["title"] == "Bad Request"


async def test_a_connection_that_says_nothing_is_closed() -> None:
    async with connected(limits=HURRIED) as line:
        assert await line.rest() == b""


@pytest.mark.parametrize("said", [b"P", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nHost: a\r\nX-Slow: b"])
async def test_a_head_that_does_not_end_is_cut_off(said: bytes) -> None:
    async with connected(limits=HURRIED) as line:
        await line.say(said)
        answer = await line.rest()
    assert status(answer) == 408
    assert b"connection: close" in answer


async def test_bytes_in_drips_do_not_buy_time() -> None:
    async with connected(limits=HURRIED) as line:
        resting = asyncio.create_task(line.rest())
        await line.say(b"POST / HTTP/1.1\r\n")
        for _ in range(1_000):
            if resting.done():
                break
            try:
                await line.say(b"X: a\r\n")
            except ConnectionError:
                break
        assert status(await resting) == 408


async def test_drips_after_an_answered_request_are_cut_off_too() -> None:
    async with connected(limits=HURRIED) as line:
        await line.say(head(b"Content-Length: 0"))
        await line.answer()
        await line.say(b"P")
        assert status(await line.rest()) == 408


async def test_the_rest_of_a_body_that_nobody_wants_is_not_waited_for() -> None:
    async with connected(limits=HURRIED) as line:
        await line.say(head(b"Content-Length: 1000"), b"b")
        await line.answer()
        assert await line.rest() == b""


CHUNKED = head(b"Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    "first",
    [
        pytest.param([head(b"Content-Length: 100000000")], id="body"),
        pytest.param([CHUNKED + b"5f5e100\r\n"], id="chunk"),
        pytest.param([CHUNKED + b"0\r\nX: "], id="a trailer without an end"),
        pytest.param([CHUNKED + b"1;"], id="a chunk's extension without an end"),
    ],
)
@pytest.mark.parametrize("app", [hello, reading])
async def test_a_request_without_an_end_is_cut_before_it_fills_the_memory(app: Any, first: list[bytes]) -> None:
    async with connected(app, HeadLimits(seconds=PATIENCE_S)) as line:
        sent = 0
        with contextlib.suppress(ConnectionError):
            await line.say(*first)
            while sent < 200:
                await line.say(b"a" * 1024 * 1024)
                sent += 1
        assert sent < 100


async def test_a_request_that_is_cut_is_told_so() -> None:
    async with connected(reading) as line:
        with contextlib.suppress(ConnectionError):
            await line.say(head(b"Content-Length: 17000000"), b"a" * 16 * 1024 * 1024, b"a" * 100_000)
        answer = await line.rest()
    # Bytes that were still under way may have reset the connection before its answer was read.
    assert not answer or status(answer) == 413


async def test_many_requests_on_one_connection_are_counted_one_by_one() -> None:
    request = head(b"Content-Length: 3000000") + b"b" * 3_000_000
    async with connected(reading) as line:
        for _ in range(8):
            await line.say(request)
            assert status(await line.answer()) == 200


async def test_a_slow_body_that_is_being_read_is_the_applications_affair() -> None:
    async with connected(reading, HURRIED) as line:
        await line.say(head(b"Content-Length: 2"), b"b")
        await asyncio.sleep(0.6)
        await line.say(b"b")
        assert status(await line.answer()) == 200


async def test_an_idle_connection_is_kept_after_an_answer() -> None:
    async with connected(limits=HURRIED) as line:
        await line.say(head(b"Content-Length: 0"))
        await line.answer()
        await asyncio.sleep(0.6)
        await line.say(head(b"Content-Length: 0"))
        assert status(await line.answer()) == 200


async def test_without_limits_of_its_own_a_server_has_usual_ones() -> None:
    async with connected(limits=None) as line:
        await line.say(head(b"X: " + b"a" * 30_000, b"Content-Length: 0"))
        assert status(await line.answer()) == 200
        await line.say(head(b"X: " + b"a" * 33_000))
        assert status(await line.rest()) == 431


part = st.one_of(
    st.sampled_from([b"POST / HTTP/1.1\r\n", b"Host: a\r\n", b"\r\n", b"Content-Length: 3\r\n", b"abc"]),
    st.just(b"Transfer-Encoding: chunked\r\n"),
    st.just(b"X: " + b"a" * 2_000 + b"\r\n"),
    st.binary(max_size=40),
)


@pytest.fixture
async def lasting(often: None, direct: None) -> AsyncIterator[HttpServer]:
    """One server for whatever comes, one after the other."""
    server = HttpServer(hello, "127.0.0.1", 0, LIMITS, Served.route and Served.route(hello))
    async with running(server):
        await server.started.wait()
        yield server


@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(part, max_size=8))
async def test_any_bytes_are_answered_or_hung_up_on_and_the_server_lives_on(
    lasting: HttpServer, pieces: list[bytes]
) -> None:
    hostile, friendly = [Line(*await asyncio.open_connection("127.0.0.1", lasting.port)) for _ in range(2)]
    with contextlib.suppress(ConnectionError):
        await hostile.say(b"".join(pieces))
    await hostile.close()
    await friendly.say(head(b"Content-Length: 0"))
    assert status(await friendly.answer()) == 200
    await friendly.close()
