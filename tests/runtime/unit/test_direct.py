"""What a route answers without ASGI is HTTP as before: in order, on connections that are kept, paced and closed."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from carewire_runtime.http.exchange import Exchange
from carewire_runtime.http.guarding import HeadLimits
from carewire_runtime.http.server import HttpServer
from carewire_testing.waiting import eventually
from carewire_testing_runtime.running import running

PATIENCE_S = 20.0


class Hooks:
    """Answers `METHOD path?query body` when the body is there; while `held`, it answers nothing.

    A path that ends with `/early` is answered at once; one with `/large` gets a megabyte.
    """

    prefix = "/hooks/"

    def __init__(self) -> None:
        self.waiting: list[Exchange] = []
        self.held = False
        self.answered = 0
        self.gone = 0
        self.connection: Any = None

    def arrived(self, exchange: Exchange) -> None:
        self.connection = exchange._connection
        self.waiting.append(exchange)
        if exchange.path.endswith("/early"):
            self.answer(exchange)
        elif exchange.more_body:
            exchange.wait(self.look)
        else:
            self.look(exchange)

    def look(self, exchange: Exchange) -> None:
        if exchange.disconnected:
            self.gone += 1
        elif not exchange.more_body and not self.held:
            self.answer(exchange)

    def release(self) -> None:
        self.held = False
        for exchange in [one for one in self.waiting if not one.more_body]:
            self.answer(exchange)

    def answer(self, exchange: Exchange) -> None:
        self.waiting.remove(exchange)
        self.answered += 1
        body = b"%b %b?%b %b" % (exchange.method.encode(), exchange.path.encode(), exchange.query, exchange.body)
        if exchange.path.endswith("/large"):
            body = b"x" * 1_000_000
        exchange.answer(202, b"content-length: %d\r\n" % len(body), body, closes=exchange.path.endswith("/last"))


async def application(scope: Any, _receive: Any, send: Any) -> None:
    """Everything else."""
    body = b"app " + scope["path"].encode()
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


class Line:
    """A connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0.001)

    async def head(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return (await self.reader.readuntil(b"\r\n\r\n")).lower()

    async def answer(self) -> tuple[bytes, bytes]:
        """Head and body of the next answer."""
        head = await self.head()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        async with asyncio.timeout(PATIENCE_S):
            return head, await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@asynccontextmanager
async def connected(hooks: Hooks, app: Any = application) -> AsyncIterator[Line]:
    server = HttpServer(app, "127.0.0.1", 0, HeadLimits(), hooks)
    async with running(server):
        await server.started.wait()
        line = Line(*await asyncio.open_connection("127.0.0.1", server.port))
        try:
            yield line
        finally:
            await line.close()


def request(target: bytes, body: bytes = b"", *lines: bytes, method: bytes = b"POST", version: bytes = b"1.1") -> bytes:
    head = b"\r\n".join([b"%b %b HTTP/%b" % (method, target, version), b"Host: a", *lines])
    return head + b"\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize(
    ("target", "seen"),
    [
        pytest.param(b"/hooks/a?b=%2F", b"/hooks/a?b=%2F", id="path and query"),
        pytest.param(b"/%68ooks/%C3%B6", "/hooks/ö?".encode(), id="an escaped path"),
        pytest.param(b"http://a.example/hooks/a", b"/hooks/a?", id="a whole address"),
        pytest.param(b"/hooks/a#part?b", b"/hooks/a?", id="a fragment"),
    ],
)
async def test_requests_below_the_prefix_are_the_routes_and_all_others_the_applications(
    target: bytes, seen: bytes
) -> None:
    async with connected(Hooks()) as line:
        for _ in range(2):
            await line.say(request(target, b"body"))
            head, body = await line.answer()
            assert head.startswith(b"http/1.1 202 accepted\r\ndate: ")
            assert body == b"POST " + seen + b" body"
            await line.say(request(b"/v1/hooks/", b"body"))
            assert (await line.answer())[1] == b"app /v1/hooks/"


async def test_an_application_beside_a_route_gets_its_requests_whole() -> None:
    """As if it were alone: target, headers, body, and whether its caller waits to be told to send it."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        seen.append((scope["method"], scope["path"], scope["query_string"], scope["headers"], message["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with connected(Hooks(), app) as line:
        for asked in (b"1", b"2"):
            await line.say(request(b"/hooks/a", b"", b"X-Route: " + asked))
            await line.answer()
            await line.say(request(b"/v1/a?b=c", b"body", b"X-App: " + asked, b"Expect: 100-continue")[:-4])
            assert await line.head() == b"http/1.1 100 continue\r\n\r\n"
            await line.say(b"body")
            assert b" 200 " in (await line.answer())[0]
    lines = [(b"host", b"a"), (b"expect", b"100-continue"), (b"content-length", b"4")]
    assert seen == [
        ("POST", "/v1/a", b"b=c", [lines[0], (b"x-app", asked), *lines[1:]], b"body") for asked in (b"1", b"2")
    ]


TRAILED = b"\r\n".join(
    [
        b"POST %b HTTP/1.1",
        b"X-Forwarded-For: 192.0.2.1",
        b"Transfer-Encoding: chunked",
        b"",
        b"4",
        b"body",
        b"0",
        b"X-Forwarded-For: 198.51.100.9",
        *[b"a: b"] * 1_000,
        b"",
        b"",
    ]
)


@pytest.mark.parametrize("size", [1_000, 1_000_000], ids=["in pieces", "at once"])
async def test_what_follows_a_body_becomes_no_header(size: int) -> None:
    seen: list[Any] = []

    class Headed(Hooks):
        def answer(self, exchange: Exchange) -> None:
            seen.append(exchange.headers)
            super().answer(exchange)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body", False):
            pass
        seen.append(scope["headers"])
        await application(scope, receive, send)

    async with connected(Headed(), app) as line:
        for target in (b"/hooks/a", b"/app/b", b"/hooks/c"):
            said = TRAILED % target
            await line.say(*(said[at : at + size] for at in range(0, len(said), size)))
            await line.answer()
    assert seen == [[(b"x-forwarded-for", b"192.0.2.1"), (b"transfer-encoding", b"chunked")]] * 3


UPGRADE = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")


@pytest.mark.parametrize("target", [b"/hooks/a", b"/app/b"])
async def test_an_offer_to_upgrade_is_ignored_where_no_body_can_be_taken_for_something_else(target: bytes) -> None:
    async with connected(Hooks()) as line:
        await line.say(request(target, b"", *UPGRADE))
        assert (await line.answer())[0].split()[1] in (b"200", b"202")


@pytest.mark.parametrize("target", [b"/hooks/a", b"/app/b"])
@pytest.mark.parametrize("together", [True, False], ids=["in one packet", "in two"])
async def test_an_offer_to_upgrade_with_a_body_is_refused_with_the_cure(target: bytes, *, together: bool) -> None:
    """Its body would be dropped, or be taken for the next request: what a proxy thinks is one would be two."""
    hooks, body = Hooks(), request(b"/hooks/smuggled")
    head = request(target, body, *UPGRADE)[: -len(body)]
    async with connected(hooks) as line:
        await line.say(head + body if together else head)
        answer = await line.rest()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"header Upgrade" in answer
        with contextlib.suppress(ConnectionError):
            await line.say(body)
    assert hooks.answered == 0


async def test_what_is_no_http_is_no_answer_to_the_request_before() -> None:
    hooks = Hooks()
    async with connected(hooks) as line:
        hooks.held = True
        await line.say(request(b"/hooks/a"), b"nonsense\r\n\r\n")
        assert await line.rest() == b""


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
async def test_a_body_in_pieces_or_chunks_comes_whole(size: int) -> None:
    body = b"0123456789" * 30
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    async with connected(Hooks()) as line:
        await line.say(request(b"/hooks/a", body)[: -len(body)], *pieces)
        assert (await line.answer())[1] == b"POST /hooks/a? " + body
        await line.say(b"POST /hooks/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n")
        assert (await line.answer())[1] == b"POST /hooks/a? " + body


async def test_requests_at_once_are_answered_in_their_order_whoever_answers() -> None:
    hooks = Hooks()
    targets = [b"/hooks/1", b"/app/2", b"/hooks/3", b"/hooks/4/early", b"/app/5", b"/hooks/6"]
    async with connected(hooks) as line:
        hooks.held = True
        await line.say(b"".join(request(target, target) for target in targets))
        await eventually(lambda: len(hooks.waiting) == 1)
        assert [one.path for one in hooks.waiting] == ["/hooks/1"], "the next has its turn when it was answered"
        hooks.release()
        answers = [(await line.answer())[1] for _ in targets]
    assert answers == [
        b"app " + target if target.startswith(b"/app") else b"POST %b? %b" % (target, target) for target in targets
    ]


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(request(b"/hooks/a", b"", b"Connection: close"), id="asked to close"),
        pytest.param(request(b"/hooks/a", version=b"1.0"), id="HTTP/1.0"),
        pytest.param(request(b"/hooks/last"), id="closed by the answer"),
    ],
)
async def test_a_connection_ends_where_it_is_to_end(last: bytes) -> None:
    async with connected(Hooks()) as line:
        await line.say(request(b"/hooks/a"), last)
        assert b"connection: close" not in (await line.answer())[0]
        assert b"connection: close" in (await line.answer())[0]
        assert await line.rest() == b""


async def test_a_head_alone_is_asked_for_by_head() -> None:
    async with connected(Hooks()) as line:
        await line.say(request(b"/hooks/a", method=b"HEAD"))
        assert b"content-length: 15" in await line.head()
        await line.say(request(b"/hooks/b"))
        assert (await line.answer())[1] == b"POST /hooks/b? "


async def test_who_asks_whether_to_send_is_told_so_once() -> None:
    asking = request(b"/hooks/a", b"body", b"Expect: 100-continue")
    async with connected(Hooks()) as line:
        await line.say(asking[:-4])
        assert await line.head() == b"http/1.1 100 continue\r\n\r\n"
        await line.say(b"body")
        assert (await line.answer())[1] == b"POST /hooks/a? body"
        await line.say(asking.replace(b"/hooks/a", b"/hooks/a/early")[:-4])
        assert b" 202 " in (await line.answer())[0]


async def test_an_early_answer_leaves_the_connection_to_the_next_request() -> None:
    early = request(b"/hooks/early", b"b" * 100_000)
    async with connected(Hooks()) as line:
        await line.say(early[:-100_000])
        await line.answer()
        await line.say(b"b" * 100_000 + request(b"/hooks/a", b"next"))
        assert (await line.answer())[1] == b"POST /hooks/a? next"


async def test_who_hangs_up_within_a_body_is_noticed_and_who_does_after_it_is_not_written_to() -> None:
    hooks = Hooks()
    async with connected(hooks) as line:
        await line.say(request(b"/hooks/a", b"body")[:-1])
        await line.close()
        await eventually(lambda: hooks.gone == 1)
    hooks = Hooks()
    hooks.held = True
    async with connected(hooks) as line:
        await line.say(request(b"/hooks/a"))
        await eventually(lambda: hooks.waiting)
        exchange = hooks.waiting[0]
        await line.close()
        await eventually(lambda: exchange.disconnected)
        hooks.release()
        assert exchange.response_complete


async def test_who_does_not_read_gets_no_further_answers_until_it_does() -> None:
    hooks = Hooks()
    async with connected(hooks) as line:
        await line.say(request(b"/hooks/large") * 40)
        await eventually(lambda: hooks.answered and hooks.connection.flow.write_paused)
        assert hooks.answered < 20, "what the kernel holds, and one"
        for _ in range(40):
            assert len((await line.answer())[1]) == 1_000_000
        assert hooks.answered == 40


async def test_an_idle_connection_is_closed_after_65_seconds_since_its_last_answer() -> None:
    hooks, now = Hooks(), asyncio.get_running_loop().time
    async with connected(hooks) as line:
        for _ in range(2):
            await line.say(request(b"/hooks/a"))
            await line.answer()
            hooks.connection.check_pace(now() + 50)
        hooks.connection.check_pace(now() + 66)
        assert await line.rest() == b""


async def test_a_stop_waits_for_the_answers_under_way_and_no_longer() -> None:
    hooks, stop = Hooks(), asyncio.Event()
    hooks.held = True
    server = HttpServer(application, "127.0.0.1", 0, route=hooks)
    serving = asyncio.create_task(server.run(stop))
    await server.started.wait()
    busy, idle = [Line(*await asyncio.open_connection("127.0.0.1", server.port)) for _ in range(2)]
    await idle.say(request(b"/hooks/early"))
    await idle.answer()
    await busy.say(request(b"/hooks/a"))
    await eventually(lambda: hooks.waiting)
    stop.set()
    assert await idle.rest() == b""
    assert not serving.done()
    hooks.release()
    assert b"connection: close" in (await busy.answer())[0]
    await serving
    await asyncio.gather(busy.close(), idle.close())


TARGETS = st.sampled_from([b"/hooks/a", b"/hooks/b/early", b"/app"])


@pytest.fixture
async def lasting() -> AsyncIterator[HttpServer]:
    """One server for whatever comes."""
    server = HttpServer(application, "127.0.0.1", 0, HeadLimits(), Hooks())
    async with running(server):
        await server.started.wait()
        yield server


@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.lists(st.tuples(TARGETS, st.binary(max_size=200)), min_size=1, max_size=8), cuts=st.lists(st.integers(0))
)
async def test_however_requests_are_cut_into_packets_their_answers_are_the_same(
    lasting: HttpServer, asked: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    raw = b"".join(request(target, body) for target, body in asked)
    places = sorted({0, len(raw), *(cut % len(raw) for cut in cuts[:6])})
    line = Line(*await asyncio.open_connection("127.0.0.1", lasting.port))
    try:
        for start, end in itertools.pairwise(places):
            await line.say(raw[start:end])
        for target, body in asked:
            said = (await line.answer())[1]
            if target == b"/app":
                assert said == b"app /app"
            elif target == b"/hooks/a":
                assert said == b"POST /hooks/a? " + body
            else:
                assert said.startswith(b"POST /hooks/b/early? ")
                assert body.startswith(said.removeprefix(b"POST /hooks/b/early? "))
    finally:
        await line.close()
