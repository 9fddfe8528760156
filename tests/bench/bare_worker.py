"""The ceiling of the worker: getmany, a bare call, one acked record for the log, and no logic at all.

python -m tests.bench.bare_worker BOOTSTRAP TOPIC PARTITIONS COUNT AT_ONCE LOG_TOPIC URL

Takes COUNT deliveries from the topic's beginning, AT_ONCE at a time, and prints the CPU seconds that they took. The
head of a call is written once, with a signature that was reckoned once; an answer is read as far as its status.
"""

import asyncio
import sys
import time
from typing import Any, Final, cast

import httptools
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_runtime.kafka.producer import Headers, Producer

_LINGER_MS: Final = 50
"""As the worker has it."""
_HEAD: Final = (
    "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nuser-agent: bare\r\n"
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\n"
    "webhook-timestamp: 1700000000\r\nwebhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=\r\n"
    "webhook-id: {{}}\r\ncontent-length: {{}}\r\n\r\n"
)
_ENTRY: Final = b'{"' + b"x" * 500 + b'"}'
"""What the worker writes to the log for each delivery is as long."""
_JSON: Final[Headers] = [("content-type", b"application/json")]


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


class BareWorker:
    """Carries deliveries."""

    def __init__(self, producer: Producer, log: str, url: str, at_once: int) -> None:
        host, _, path = url.removeprefix("http://").partition("/")
        self._address = host.split(":")
        self._head = _HEAD.format(path=f"/{path}", host=host)
        self._producer = producer
        self._log = log
        self._free = asyncio.Semaphore(at_once)
        self._idle: list[_Connection] = []
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
        connection = self._idle.pop() if self._idle else await self._connect()
        head = self._head.format(record.key.decode(), len(record.value)).encode()
        status = await connection.post((head, record.value))
        self._idle.append(connection)
        self._free.release()
        if status != 200:
            raise RuntimeError(f"the receiver answered {status}")
        await self._producer.send(self._log, key=record.key, value=_ENTRY, headers=_JSON)

    async def _connect(self) -> _Connection:
        host, port = self._address
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, host, int(port))
        return connection


async def work(bootstrap: str, topic: str, partitions: int, count: int, worker: BareWorker) -> float:
    """Take so many deliveries; returns the CPU seconds that they took."""
    places = [TopicPartition(topic, number) for number in range(partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    consumer.assign(places)
    await consumer.start()
    began = time.process_time()
    while count > 0:
        for records in (await consumer.getmany(timeout_ms=1_000, max_records=min(count, 1_000))).values():
            count -= len(records)
            for record in records:
                await worker.take(record)
    await worker.finish()
    spent = time.process_time() - began
    await consumer.stop()
    return spent


async def main(bootstrap: str, topic: str, partitions: str, count: str, at_once: str, log: str, url: str) -> None:
    """Measure."""
    producer = Producer(bootstrap, "bare", linger_ms=_LINGER_MS)
    await producer.start()
    try:
        worker = BareWorker(producer, log, url, int(at_once))
        print(await work(bootstrap, topic, int(partitions), int(count), worker), flush=True)
    finally:
        await producer.stop()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
