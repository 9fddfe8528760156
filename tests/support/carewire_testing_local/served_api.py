"""A management API over HTTP, with answers that a test lays out."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, TypeAlias

KEY = "key"
Answers: TypeAlias = Mapping[str, tuple[int, Any]]
"""From `"METHOD /path?query"` to a status and a body: JSON (a problem from 400 on), bytes as they are, or a function
that makes it of the body that came."""

_NO_KEY = (401, {"title": "Unauthorized", "detail": "send a key"})


@contextmanager
def served(answers: Answers) -> Iterator[str]:
    """Serve on loopback for whoever has the key, and yield the URL."""

    class Handler(_Handler):
        laid_out = answers

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    laid_out: Answers

    def handle_call(self) -> None:
        came = self.rfile.read(int(self.headers["content-length"] or 0))
        is_known = self.headers["authorization"] == f"Bearer {KEY}"
        status, body = self.laid_out[f"{self.command} {self.path}"] if is_known else _NO_KEY
        kind, content = _written(status, body, came)
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = handle_call  # noqa: N815 (the names of http.server)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of http.server)
        """Keep the output of the tests clean."""


def _written(status: int, body: bytes | Callable[[Any], Any] | object, came: bytes) -> tuple[str, bytes]:
    if isinstance(body, bytes):
        return "text/html", body
    shown = body(json.loads(came)) if callable(body) else body
    kind = "application/problem+json; charset=utf-8" if status >= 400 else "application/json"
    return kind, json.dumps(shown).encode()
