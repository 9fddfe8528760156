"""Requests that are served without ASGI.

An ASGI application costs each request a task, an event, a scope and the messages of both directions: as much as
receiving a webhook's call. A route gets the request itself, and answers it when it likes.

Everything else about a connection remains uvicorn's: reading, keep-alive, the order of answers, the ordered stop.
"""

from typing import Any, Final
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from carewire_runtime.http.exchange import Exchange, Route
from carewire_runtime.http.guarding import TRAILERS, GuardedProtocol

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class DirectProtocol(GuardedProtocol):
    """A connection some of whose requests a route answers; the application answers all others."""

    def __init__(self, *args: Any, route: Route, **more: Any) -> None:
        super().__init__(*args, **more)
        self._route = route
        self._prefix = route.prefix
        self._idle_since: float | None = None
        """Since when the last answer was a route's, and nothing has come."""
        self._default_headers: list[tuple[bytes, bytes]] | None = None
        self._lines = b""
        self._blocked: Exchange | None = None
        """Answered, but the other side doesn't read: what it asks next has to wait."""

    def on_message_begin(self) -> None:
        """Begin a request, without what only an application needs."""
        self._idle_since = None
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._begin_head()

    def on_headers_complete(self) -> None:
        """Give the request to the route, if it is one of its own."""
        self._idle_since = None
        self._end_head()
        raw_path, query = _parts(self.url)
        path = raw_path.decode("ascii")
        if "%" in path:
            path = unquote(path)
        if not path.startswith(self._prefix):
            self._make_scope()
            super().on_headers_complete()
            return
        parser = self.parser
        previous: Any = self.cycle  # None before the first request, whatever its annotation says
        exchange: Any = Exchange(
            self,
            parser.get_method().decode("ascii"),
            path,
            raw_path,
            query,
            self.headers,
            self.client[0] if self.client else None,
            parser.get_http_version() != "1.0" and parser.should_keep_alive(),
            self.expect_100_continue,
        )
        self.cycle = exchange
        self.headers = TRAILERS
        if previous is None or previous.response_complete:
            self._route.arrived(exchange)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))

    def _make_scope(self) -> None:
        """Let uvicorn begin the request too, whose head is there: a scope costs as much as parsing a head."""
        url, headers, expects_continue = self.url, self.headers, self.expect_100_continue
        HttpToolsProtocol.on_message_begin(self)
        self.url, self.headers, self.expect_100_continue = url, headers, expects_continue
        self.scope["headers"] = headers

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if type(cycle) is Exchange:
            self._route.arrived(cycle)
        else:
            super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        """Pass a piece of a body on."""
        cycle: Any = self.cycle
        if type(cycle) is Exchange:
            cycle.take(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Note the end of a request."""
        cycle: Any = self.cycle
        if type(cycle) is Exchange:
            cycle.end()
        else:
            super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits for the rest of a request."""
        super().connection_lost(exc)
        cycle: Any = self.cycle
        if type(cycle) is Exchange and not cycle.response_complete:
            cycle.lose()

    def go_on(self) -> None:
        """Say that the body is welcome."""
        if not self.transport.is_closing():
            self.transport.write(_CONTINUE)

    def answer(self, exchange: Exchange, status: int, head: bytes, body: bytes) -> None:
        """Send an answer; the next request has its turn once the other side takes it."""
        transport: Any = self.transport
        if transport.is_closing():
            exchange.response_complete = True
            return
        end = b"\r\n" if exchange.keep_alive else b"connection: close\r\n\r\n"
        shown = b"" if exchange.method == "HEAD" else body
        transport.write_at_once(b"".join((STATUS_LINE[status], self._default_lines(), head, end, shown)))
        if self.flow.write_paused:
            self._blocked = exchange
        else:
            self._finish(exchange)

    def _default_lines(self) -> bytes:
        """The lines of headers that every answer has. The server makes them anew each second, for Date."""
        headers = self.server_state.default_headers
        if headers is not self._default_headers:
            self._default_headers = headers
            self._lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        return self._lines

    def _finish(self, exchange: Exchange) -> None:
        exchange.response_complete = True
        self.server_state.total_requests += 1
        if not exchange.keep_alive:
            self.transport.close()
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle_since = self.loop.time()

    def resume_writing(self) -> None:
        """Go on, now that the other side has read."""
        super().resume_writing()
        blocked, self._blocked = self._blocked, None
        if blocked is not None:
            self._finish(blocked)

    def check_pace(self, now: float) -> None:
        """End the connection if it has kept us waiting for too long, be it with its next request."""
        super().check_pace(now)
        # Not by a timer of uvicorn's, which costs each answer as much as writing it.
        if self._idle_since is not None and now - self._idle_since > self.timeout_keep_alive:
            self.transport.close()


def _parts(target: bytes) -> tuple[bytes, bytes]:
    """The path and the query of a request's target."""
    # Nearly always it is a path alone, in which the parser has left nothing to be found.
    if target.startswith(b"/") and b"?" not in target and b"#" not in target:
        return target, b""
    parsed = httptools.parse_url(target)
    return parsed.path or b"", parsed.query or b""
