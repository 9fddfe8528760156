"""The ceiling of ingress: the same server, producer, record and log line, and no logic at all.

python -m tests.bench.bare_receiver PORT BOOTSTRAP TOPIC PARTITIONS RECORD_FILE

The record file holds one record that ingress wrote, so that what is appended is alike to the byte.
"""

import sys
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from carewire_runtime.http.server import HttpServer
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.producer import Headers, Producer
from carewire_runtime.process import Component, run_service
from carewire_runtime.telemetry.logs import configure_logs, logger

_log = logger("receiver")
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"74")]


def write_record(file: Path, value: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
    """Keep a record for the bare receiver."""
    named = [[name, b64encode(text).decode()] for name, text in headers]
    file.write_bytes(orjson.dumps({"value": b64encode(value).decode(), "headers": named}))


def _read_record(file: Path) -> tuple[bytes, Headers]:
    record = orjson.loads(file.read_bytes())
    return b64decode(record["value"]), [(name, b64decode(text)) for name, text in record["headers"]]


class BareReceiver:
    """Reads the body, appends a record as ingress writes it, answers."""

    def __init__(self, producer: Producer, topic: str, partitions: int, record: tuple[bytes, Headers]) -> None:
        self._producer = producer
        self._topic = topic
        self._partitions = partitions
        self._value, self._headers = record
        self._numbers = count()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        request_id = new_id()
        await self._producer.send(
            self._topic,
            key=request_id.encode(),
            value=self._value,
            headers=self._headers,
            partition=next(self._numbers) % self._partitions,
        )
        _log.info(
            "call_answered",
            route="/hooks/{token}",
            request_id=request_id,
            webhook_id=request_id,
            status_code=202,
            outcome="scheduled",
            reasons=(),
            bytes=len(body),
            duration_ms=1.23,
        )
        answer = b'{"request_id":"%s","status":"SCHEDULED"}' % request_id.encode()
        await send({"type": "http.response.start", "status": 202, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": answer})


def main(port: int, bootstrap: str, topic: str, partitions: int, record: Path) -> int:
    """Serve until asked to stop."""

    @asynccontextmanager
    async def application() -> AsyncIterator[Sequence[Component]]:
        producer = Producer(bootstrap, "bare")
        await producer.start()
        try:
            receiver = BareReceiver(producer, topic, partitions, _read_record(record))
            yield [HttpServer(receiver, "127.0.0.1", port)]
        finally:
            await producer.stop()

    configure_logs("bare", "INFO")
    return run_service("bare", application)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), Path(sys.argv[5])))
