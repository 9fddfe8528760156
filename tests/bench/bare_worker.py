"""The ceilings of the worker: what a delivery takes of any worker, and nothing of what one has to decide.

python -m tests.bench.bare_worker CLIENT BOOTSTRAP COUNT AT_ONCE LOG_TOPIC URL < PLACES

Takes COUNT deliveries of the lanes, AT_ONCE at a time, from where the worker will take them: standard input tells of
each partition, as JSON: topic, number, and the offset to begin with. Prints the CPU seconds that they took from the
first on. It does for each what any worker has to: it reads the record, signs the body with one secret (HMAC-SHA256),
makes the call over a connection that is kept alive, and appends a record as long as an entry of the attempt log, by a
plain `send` that is waited for until all replicas have it. It knows of no endpoint, keeps no offset, looks at no clock
but for the signature, and measures nothing.

There are two, by their CLIENT. `parts` calls one after the other the parts of which the worker is made: signature,
delivery client, log line, producer; that is the ceiling as ingress has its own. `bare` is the least that can be had: a
few lines around the same parser instead of the delivery client, without deadline, bounds, or an eye for connections
that the receiver has closed; and it logs nothing.
"""

import asyncio
import base64
import hmac
import json
import ssl
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

import httptools
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_dispatcher.adapters.delivery_client.sender import DeliveryClient
from carewire_dispatcher.adapters.sender import Call
from carewire_dispatcher.domain.classify import Answer
from carewire_dispatcher.domain.signature import signed_headers
from carewire_runtime.kafka.producer import Headers, Producer
from carewire_runtime.memory import keep_freed_memory, spare_the_collector
from carewire_runtime.telemetry.logs import configure_logs, logger

_TRACEPARENT: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
_HEAD: Final = (
    "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nuser-agent: bare\r\n"
    f"traceparent: {_TRACEPARENT}\r\n"
    "webhook-timestamp: {{}}\r\nwebhook-signature: v1,{{}}\r\nwebhook-id: {{}}\r\ncontent-length: {{}}\r\n\r\n"
)
_COMMON: Final = (("content-type", "application/json"), ("user-agent", "parts"))
_SECRET: Final = bytes(range(32))
_TIMEOUT_S: Final = 10.0
_ENTRY: Final = b'{"' + b"x" * 580 + b'"}'
"""What the worker writes to the log for each delivery is as long."""
_JSON: Final[Headers] = [("content-type", b"application/json")]

_log: Final = logger("worker")


class Client(Protocol):
    """Makes the calls."""

    async def post(self, call_id: str, body: bytes) -> int:
        """Sign a body, send it, and return the status of the answer."""
        ...


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._answered: asyncio.Future[int]
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._answered.set_result(self._parser.get_status_code())

    async def post(self, request: tuple[bytes, bytes]) -> int:
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.writelines(request)
        return await self._answered


class BareClient:
    """A few lines around the parser."""

    def __init__(self, url: str) -> None:
        host, _, path = url.removeprefix("http://").partition("/")
        self._address = host.split(":")
        self._head = _HEAD.format(path=f"/{path}", host=host)
        self._idle: list[_Connection] = []

    async def post(self, call_id: str, body: bytes) -> int:
        """Make a call."""
        connection = self._idle.pop() if self._idle else await self._connect()
        status = await connection.post(self._request(call_id, body))
        self._idle.append(connection)
        return status

    def _request(self, call_id: str, body: bytes) -> tuple[bytes, bytes]:
        at = int(time.time())
        digest = hmac.digest(_SECRET, f"{call_id}.{at}.".encode() + body, "sha256")
        return self._head.format(at, base64.b64encode(digest).decode(), call_id, len(body)).encode(), body

    async def _connect(self) -> _Connection:
        host, port = self._address
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, host, int(port))
        return connection


class PartsClient:
    """The parts of which the worker is made, without what decides between them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._host = urlsplit(url).hostname
        # No receiver of a measurement is verified, nor of a public address.
        self._client = DeliveryClient(ssl.create_default_context(), allow_http=True, may_call=lambda _: True)

    async def post(self, call_id: str, body: bytes) -> int:
        """Make a call, and write a line about it."""
        began = time.time()
        headers = signed_headers((_SECRET,), call_id, int(began), body)
        headers["traceparent"] = _TRACEPARENT
        answer = await self._client.send(Call(self._url, headers, body, _TIMEOUT_S, _COMMON))
        status = answer.status if isinstance(answer, Answer) else 0
        _log.info(
            "attempt",
            event_id=call_id,
            host=self._host,
            lane="fast",
            attempt=1,
            status_code=status,
            duration_ms=round((time.time() - began) * 1000),
        )
        return status


CLIENTS: Final[dict[str, Callable[[str], Client]]] = {"bare": BareClient, "parts": PartsClient}


class BareWorker:
    """Carries deliveries."""

    def __init__(self, client: Client, producer: Producer, log: str, at_once: int) -> None:
        self._client = client
        self._producer = producer
        self._log = log
        self._free = asyncio.Semaphore(at_once)
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, record: Any) -> None:
        """Begin with a record as soon as there is a place for it."""
        await self._free.acquire()
        task = asyncio.create_task(self._carry(record))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait for all that was begun."""
        await asyncio.gather(*self._tasks)

    async def _carry(self, record: Any) -> None:
        status = await self._client.post(record.key.decode(), record.value)
        self._free.release()
        if status != 200:
            raise RuntimeError(f"the receiver answered {status}")
        await self._producer.send(self._log, key=record.key, value=_ENTRY, headers=_JSON)


async def work(bootstrap: str, places: dict[TopicPartition, int], count: int, worker: BareWorker) -> float:
    """Take so many deliveries; returns the CPU seconds that they took."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    consumer.assign(list(places))
    await consumer.start()
    for place, offset in places.items():
        consumer.seek(place, offset)
    began: float | None = None
    while count > 0:
        fetched = await consumer.getmany(timeout_ms=1_000, max_records=min(count, 1_000))
        began = time.process_time() if began is None else began
        for records in fetched.values():
            count -= len(records)
            for record in records:
                await worker.take(record)
    await worker.finish()
    spent = time.process_time() - (began or 0.0)
    await consumer.stop()
    return spent


async def main(client: str, bootstrap: str, count: str, at_once: str, log: str, url: str) -> None:
    """Measure."""
    places = {TopicPartition(topic, number): offset for topic, number, offset in json.load(sys.stdin)}
    producer = Producer(bootstrap, "bare")
    await producer.start()
    # As every service of ours does.
    keep_freed_memory()
    spare_the_collector()
    try:
        with tempfile.TemporaryFile() as lines:
            configure_logs("bench", stream=lines)
            worker = BareWorker(CLIENTS[client](url), producer, log, int(at_once))
            print(await work(bootstrap, places, int(count), worker), flush=True)
    finally:
        await producer.stop()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
