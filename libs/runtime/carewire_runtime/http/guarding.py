"""A connection has to get to the point: a request is bounded in bytes, its head in bytes and in time.

uvicorn bounds neither: its parser keeps whatever comes until the head is complete, and whatever follows a body in
chunks, and it waits for ever for the first byte, for the next one, and for the rest of a body that nobody wants.
Bytes are counted as they come; time is looked at once a second for all connections together, so that an ordinary
request pays next to nothing.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson

from carewire_runtime.http.gathering import GatheringProtocol
from carewire_runtime.telemetry import metrics

_MOST_HEADERS: Final = 200
"""Ordinary calls have 10 to 40."""
_MOST_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a request with its body, chunk by chunk: eight times the largest body that any route takes."""
_ADVICE: Final = {
    HTTPStatus.BAD_REQUEST: "The request is not well-formed HTTP.",
    HTTPStatus.REQUEST_TIMEOUT: "The request did not arrive in time.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Send less at once.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "Send fewer or shorter headers, or a shorter URL.",
}
_NO_UPGRADE: Final = "Send the request without the header Upgrade: its body would be taken for another protocol."


class _Trailers(list[tuple[bytes, bytes]]):
    """Where the parser puts what follows a body: a head that nobody has checked, and so nobody reads (RFC 9110, 6.5).

    It would come among the headers otherwise, as many as fit into a request, and the last one of a name counts.
    """

    def append(self, _: tuple[bytes, bytes], /) -> None:
        """Drop it."""


TRAILERS: Final = _Trailers()
"""Has the place of a request's headers as soon as they are complete."""


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """What a request's first line and headers may be: bytes together, and seconds until they are there."""

    size: int = 32_768
    seconds: float = 10.0


class GuardedProtocol(GatheringProtocol):
    """A connection of the server; `limits` come with the keyword of that name. The server calls `check_pace`."""

    def __init__(self, *args: Any, limits: HeadLimits, **more: Any) -> None:
        super().__init__(*args, **more)
        self._limits = limits
        self._status = HTTPStatus.BAD_REQUEST
        self._advice: str | None = None
        self._in_head = False
        self._size = 0
        """Bytes of the request that is coming in, those of its first packet left out."""
        self._packet_size = 0
        self._waits_since: float | None = None
        """Since when we wait for a head, or for the rest of a body that is not read any more."""

    def connection_made(self, transport: Any) -> None:
        """Begin to serve a connection, and to wait."""
        super().connection_made(transport)
        self._waits_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._packet_size = len(data)
        self._size += len(data)
        super().data_received(data)
        if self._in_head:
            self._wait_for_head()
        elif self._size > _MOST_BYTES:
            self._refuse(None if self._is_unread() else HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def _wait_for_head(self) -> None:
        if self._waits_since is None:
            self._waits_since = self.loop.time()
        if self._size > self._limits.size:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._begin_head()

    def _begin_head(self) -> None:
        self._in_head = True
        self._size = 0

    def on_headers_complete(self) -> None:
        """Start a request's answer, unless its head is too large."""
        self._end_head()
        super().on_headers_complete()
        self.headers = TRAILERS

    def _end_head(self) -> None:
        if self.parser.should_upgrade():
            self._check_upgrade()
        if self._size + self._packet_size > self._limits.size or len(self.headers) > _MOST_HEADERS:
            self._check_head()
        self._in_head = False
        self._waits_since = None

    def _check_head(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._limits.size or len(self.headers) > _MOST_HEADERS:
            self._status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            # Ends the parsing; uvicorn then asks for a response by `send_400_response`.
            raise ValueError("the head is too large")

    def _check_upgrade(self) -> None:
        """Nobody upgrades here, and an offer may be ignored; but the parser takes what follows for no body of ours."""
        if any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
            for name, value in self.headers
        ):
            self._advice = _NO_UPGRADE
            raise ValueError("its body would be taken for another protocol")

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (ours says what to do)
        """Answer what cannot be parsed, and end the connection."""
        self._refuse(self._status)

    def check_pace(self, now: float) -> None:
        """End the connection if it has kept us waiting for too long; `now` is the event loop's time."""
        if self._waits_since is None:
            self._waits_since = now if self._is_unread() else None
        elif self._is_unread() or self._waits_for_head():
            if now - self._waits_since > self._limits.seconds:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT if self._in_head else None)
        else:
            self._waits_since = None

    def _waits_for_head(self) -> bool:
        return self._in_head or self.cycle is None

    def _is_unread(self) -> bool:
        """Whether a request was answered before its body had come."""
        cycle: Any = self.cycle  # None before the first request, whatever its annotation says
        return cycle is not None and cycle.response_complete and cycle.more_body

    def _refuse(self, status: HTTPStatus | None) -> None:
        if status is not None and not self.transport.is_closing() and not self._owes_an_answer():
            metrics.HTTP_REFUSED.add(status_code=str(status.value))
            self.transport.write(_response(status, self._advice or _ADVICE[status]))
        self.transport.close()

    def _owes_an_answer(self) -> bool:
        """Whether the next answer is that of a request which is all here: it would take the refusal for its own."""
        cycle: Any = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete


def _response(status: HTTPStatus, advice: str) -> bytes:
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": advice}
    body = orjson.dumps(problem)
    return (
        b"HTTP/1.1 %d %b\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
    ) % (status, status.phrase.encode(), len(body), body)
