"""A request and its answer, for what is served without ASGI."""

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias


class Connection(Protocol):
    """Where an exchange takes place."""

    def answer(self, exchange: "Exchange", status: int, head: bytes, body: bytes) -> None:
        """Send the answer."""
        ...

    def go_on(self) -> None:
        """Say that the body is welcome."""
        ...


class Route(Protocol):
    """Whoever answers the requests whose path begins with `prefix`."""

    @property
    def prefix(self) -> str:
        """How its paths begin."""
        ...

    def arrived(self, exchange: "Exchange") -> None:
        """Take a request whose head has come; of its body there may be all, a part or nothing. Must not raise."""
        ...


class _Nobody:
    """Whom uvicorn wakes when something has come: an application, which there is none of."""

    def set(self) -> None:
        pass


Watcher: TypeAlias = Callable[["Exchange"], Any]


class Exchange:
    """A request. It is answered once, at any time: also before its body has come, which nobody gets then.

    `path` is decoded, `raw_path` and `query` are as they came; names of headers are in lower case. `peer` is the
    address of the other end of the connection. Until `wait` is called, no more of the body comes than came with the
    head.
    """

    __slots__ = (
        "_chunks",
        "_connection",
        "_watcher",
        "disconnected",
        "expects_continue",
        "headers",
        "keep_alive",
        "method",
        "more_body",
        "path",
        "peer",
        "query",
        "raw_path",
        "response_complete",
        "size",
    )

    message_event: Final = _Nobody()

    def __init__(
        self,
        connection: Connection,
        method: str,
        path: str,
        raw_path: bytes,
        query: bytes,
        headers: list[tuple[bytes, bytes]],
        peer: str | None,
        keep_alive: bool,
        expects_continue: bool,
    ) -> None:
        self._connection = connection
        self.method = method
        self.path = path
        self.raw_path = raw_path
        self.query = query
        self.headers = headers
        self.peer = peer
        self.keep_alive = keep_alive
        self.expects_continue = expects_continue
        self.size = 0
        self.more_body = True
        self.disconnected = False
        self.response_complete = False
        self._chunks: list[bytes] = []
        self._watcher: Watcher | None = None

    @property
    def body(self) -> bytes:
        """What has come of the body."""
        chunks = self._chunks
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def wait(self, watcher: Watcher) -> None:
        """Have `watcher` called whenever more of the body has come, until all has, or when the caller hangs up."""
        self._watcher = watcher
        if self.expects_continue:
            self.expects_continue = False
            self._connection.go_on()

    def answer(self, status: int, head: bytes, body: bytes, *, closes: bool = False) -> None:
        """Answer. `head` are the lines of all headers but Date and Connection, each with its end.

        With `closes` it is the last answer on its connection.
        """
        self._watcher = None
        if closes:
            self.keep_alive = False
        self._connection.answer(self, status, head, body)

    def take(self, chunk: bytes) -> None:
        """Take a piece of the body (for the connection to call, like all that follow)."""
        if not self.response_complete:
            self._chunks.append(chunk)
            self.size += len(chunk)
            if self._watcher is not None:
                self._watcher(self)

    def end(self) -> None:
        """Note that the body is complete."""
        self.more_body = False
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher(self)

    def lose(self) -> None:
        """Note that nobody is there to be answered."""
        self.disconnected = True
        if self._watcher is not None:
            self._watcher(self)
