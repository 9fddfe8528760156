"""A load of HTTP requests over keep-alive connections, cheap enough not to be what is measured.

Closed loop: each connection sends as soon as it was answered, which finds the most that a server can take.
Open loop: requests are due at a fixed rate whether or not earlier ones were answered, and a latency counts from
when its request was due, so that a stall is not hidden by the requests that it held up (coordinated omission).
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

MakeRequest = Callable[[int], bytes]
"""The n-th request, head and body."""


def post(path: str, body: bytes, headers: str = "") -> bytes:
    """A POST of JSON as bytes."""
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return (head + headers + "\r\n").encode() + body


@dataclass
class Outcome:
    """What came of a load: seconds it took, seconds of each answer, and how often each status came."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """How many requests were answered."""
        return len(self.latencies)

    def note(self, status: int, latency: float) -> None:
        """Count one answer."""
        self.latencies.append(latency)
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def percentile(self, share: float) -> float:
        """A latency in seconds that `share` (0 to 1) of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def exchange(self, request: bytes) -> int:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        start = lower.index(b"content-length:") + 15
        length = int(lower[start : lower.index(b"\r\n", start)])
        if length:
            await self._reader.readexactly(length)
        return int(head[9:12])

    def close(self) -> None:
        self._writer.close()


async def _connect(host: str, port: int, connections: int) -> list[_Connection]:
    opened = await asyncio.gather(*(asyncio.open_connection(host, port) for _ in range(connections)))
    return [_Connection(reader, writer) for reader, writer in opened]


async def closed_loop(host: str, port: int, make: MakeRequest, *, connections: int, total: int) -> Outcome:
    """Send `total` requests, each connection one after another."""
    outcome, numbers = Outcome(), iter(range(total))
    pool = await _connect(host, port, connections)

    async def work(connection: _Connection) -> None:
        for number in numbers:
            began = time.perf_counter()
            outcome.note(await connection.exchange(make(number)), time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(work(connection) for connection in pool))
    outcome.seconds = time.perf_counter() - began
    for connection in pool:
        connection.close()
    return outcome


async def open_loop(
    host: str, port: int, make: MakeRequest, *, rate: float, total: int, connections: int = 64
) -> Outcome:
    """Send `total` requests at `rate` a second, on whichever connection is free."""
    outcome = Outcome()
    idle: asyncio.Queue[_Connection] = asyncio.Queue()
    pool = await _connect(host, port, connections)
    for connection in pool:
        idle.put_nowait(connection)

    async def send(number: int, due: float) -> None:
        connection = await idle.get()
        status = await connection.exchange(make(number))
        outcome.note(status, time.perf_counter() - due)
        idle.put_nowait(connection)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, due in zip(range(total), _instants(began, rate), strict=False):
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(send(number, due))
    outcome.seconds = time.perf_counter() - began
    for connection in pool:
        connection.close()
    return outcome


def _instants(began: float, rate: float) -> Iterator[float]:
    return (began + number / rate for number in count())
