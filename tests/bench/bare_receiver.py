"""The ceiling of ingress: the same server, producer, record size and log line, and no logic at all.

python -m tests.bench.bare_receiver PORT BOOTSTRAP TOPIC RECORD_BYTES
"""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from carewire_runtime.http.server import HttpServer
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.process import Component, run_service
from carewire_runtime.telemetry.logs import configure_logs, logger

_log = logger("receiver")
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"74")]


class BareReceiver:
    """Reads the body, appends a record of the size that ingress writes, answers."""

    def __init__(self, producer: Producer, topic: str, record_bytes: int) -> None:
        self._producer = producer
        self._topic = topic
        self._record = b"x" * record_bytes

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
        headers = [("ce_id", request_id.encode()), ("content-type", b"application/json")]
        await self._producer.send(self._topic, key=request_id.encode(), value=self._record, headers=headers)
        _log.info(
            "call_answered",
            route="/hooks/{token}",
            request_id=request_id,
            webhook_id=request_id,
            status_code=202,
            outcome="accepted",
            reasons=(),
            bytes=len(body),
            duration_ms=1.23,
        )
        answer = b'{"request_id":"%s","status":"SCHEDULED"}' % request_id.encode()
        await send({"type": "http.response.start", "status": 202, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": answer})


def main(port: int, bootstrap: str, topic: str, record_bytes: int) -> int:
    """Serve until asked to stop."""

    @asynccontextmanager
    async def application() -> AsyncIterator[Sequence[Component]]:
        producer = Producer(bootstrap, "bare")
        await producer.start()
        try:
            yield [HttpServer(BareReceiver(producer, topic, record_bytes), "127.0.0.1", port)]
        finally:
            await producer.stop()

    configure_logs("bare", "INFO")
    return run_service("bare", application)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
