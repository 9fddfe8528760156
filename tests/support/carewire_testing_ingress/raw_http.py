"""HTTP as nobody's library would send it: bytes into a socket, and what came back."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import orjson

PATIENCE_S: Final = 20.0
_BEFORE_US: Final = b'"type":"about:blank"'
"""In the answers of the HTTP server, which say no more than their status; the receiver's have types of their own."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One response."""

    status: int
    head: bytes
    body: bytes

    @property
    def is_ours(self) -> bool:
        """Whether the receiver answered, and not the HTTP server before it."""
        return _BEFORE_US not in self.body

    @property
    def request_id(self) -> str | None:
        """The request id that it names."""
        told: Any = orjson.loads(self.body) if self.is_ours and self.body else {}
        return told.get("request_id") if isinstance(told, dict) else None


def post(path: bytes, body: bytes, content_type: bytes = b"application/json", *more: bytes) -> bytes:
    """A well-formed POST of any bytes, with further header lines."""
    lines = [b"POST %b HTTP/1.1" % path, b"Host: test", b"Content-Type: " + content_type, *more]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])


def chunked(path: bytes, *chunks: bytes, end: bytes = b"0\r\n\r\n") -> list[bytes]:
    """A POST of JSON in chunks, each to be sent on its own."""
    head = b"POST %b HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return [head % path, *(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks), end]


def exchange(
    port: int, *parts: bytes, answers: int = 1, pause_s: float = 0.0, ends_writing: bool = False
) -> list[RawAnswer]:
    """Send parts, one after another, and read up to so many answers, fewer if the connection is closed before.

    `pause_s` lies between two parts; with `ends_writing` nothing more will be sent, and the other side knows.
    """
    with closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)) as line:
        try:
            for part in parts:
                line.sendall(part)
                if pause_s:
                    time.sleep(pause_s)
            if ends_writing:
                line.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # hung up on; what it said before stands to be read
        return list(_answers(line, answers))


def leave(port: int, *parts: bytes) -> None:
    """Send parts and hang up at once."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)) as line:
        for part in parts:
            line.sendall(part)


def _answers(line: socket.socket, wanted: int) -> Iterator[RawAnswer]:
    held = b""
    for _ in range(wanted):
        while b"\r\n\r\n" not in held:
            if not (read := _read(line)):
                return
            held += read
        head, _, held = held.partition(b"\r\n\r\n")
        length = _length(head.lower())
        while len(held) < length:
            if not (read := _read(line)):
                return
            held += read
        yield RawAnswer(int(head[9:12]), head.lower() + b"\r\n", held[:length])
        held = held[length:]


def _read(line: socket.socket) -> bytes:
    try:
        return line.recv(65_536)
    except ConnectionError:
        return b""


def _length(head: bytes) -> int:
    _, found, rest = head.partition(b"content-length: ")
    return int(rest.partition(b"\r\n")[0]) if found else 0
