"""Takes deliveries on this machine: verifies each, and passes it on to a local URL if there is one."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import httpx

from carewire_contracts.receive import SignatureError, UnknownEventError, verify

_FORWARD_TIMEOUT_S = 9.5
"""Less than the 10 s after which the dispatcher gives a call up: the answer says what happened."""
_NOT_FORWARDED = frozenset({"host", "content-length", "connection"})
_ACCEPTED, _UNVERIFIED, _NOBODY_THERE, _NOT_YET = 204, 401, 502, 503
_CHALLENGE = "endpoint.verification"
"""How a deployment asks whether a receiver is in the hands of whoever enters its address."""


@dataclass(frozen=True)
class Heard:
    """One delivery. `answer` is what the dispatcher was told; `why` says why where it was not what it should be."""

    webhook_id: str
    body: bytes
    answer: int
    took_s: float
    why: str | None = None


class EventListener:
    """Listens on loopback. `tell` is called for each delivery, in a thread of its own. Use it as a context manager.

    `secret` has to be set once the endpoint has one; until then deliveries are asked to come again.
    """

    def __init__(self, forward_to: str | None, tell: Callable[[Heard], None], port: int = 0) -> None:
        self.secret: str | None = None
        self._forward_to = forward_to
        self._tell = tell
        self._client = httpx.Client(timeout=_FORWARD_TIMEOUT_S, trust_env=False)
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="listener", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    def take(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Take a delivery; returns the status and the body that it is answered."""
        if self.secret is None:
            return _NOT_YET, b""
        began, unknown = time.monotonic(), None
        try:
            verify(body, headers, self.secret)
        except SignatureError as error:
            return self._told(headers, body, began, _UNVERIFIED, str(error))
        except UnknownEventError as error:
            if (echo := _echo(body)) is not None:
                return 200, echo
            unknown = str(error)
        answer, why = self._passed_on(headers, body)
        return self._told(headers, body, began, answer, why or unknown)

    def _told(
        self, headers: Mapping[str, str], body: bytes, began: float, answer: int, why: str | None
    ) -> tuple[int, bytes]:
        self._tell(Heard(headers.get("webhook-id", "?"), body, answer, time.monotonic() - began, why))
        return answer, b""

    def _passed_on(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str | None]:
        if self._forward_to is None:
            return _ACCEPTED, None
        kept = {name: value for name, value in headers.items() if name not in _NOT_FORWARDED}
        try:
            return self._client.post(self._forward_to, content=body, headers=kept).status_code, None
        except httpx.TransportError as error:
            return _NOBODY_THERE, f"{self._forward_to} does not answer ({type(error).__name__}); it is tried again"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self.take

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, answer = take({name.lower(): value for name, value in self.headers.items()}, body)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of http.server)
                """Keep quiet: `tell` says what matters."""

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._client.close()


def _echo(body: bytes) -> bytes | None:
    """What a challenge is answered, None where it is none."""
    try:
        told = json.loads(body)
    except ValueError:
        return None
    if not isinstance(told, dict) or told.get("event_type") != _CHALLENGE:
        return None
    return json.dumps({"challenge": told.get("challenge")}).encode()
