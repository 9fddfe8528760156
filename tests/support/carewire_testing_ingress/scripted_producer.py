"""A producer that does what a test tells it, for what a real broker cannot be made to do on command."""

import asyncio
from dataclasses import dataclass

from carewire_runtime.errors import KafkaError, ProducerFatal
from carewire_runtime.kafka.producer import Appended, Headers, Producer


@dataclass(frozen=True, slots=True)
class Sent:
    """A record that waits for the test to settle it."""

    topic: str
    value: bytes | None
    partition: int | None
    done: "asyncio.Future[Appended]"

    def acknowledge(self, timestamp_ms: int) -> None:
        self.done.set_result(Appended(self.topic, self.partition or 0, 1, timestamp_ms))


class ScriptedProducer(Producer):
    """Records wait in `sent` until the test settles them. `starts` and `refusals` are errors to raise, in order."""

    def __init__(self, *, starts: list[KafkaError] | None = None) -> None:
        super().__init__("nowhere", "scripted")
        self.starts = starts or []
        self.refusals: list[KafkaError] = []
        self.sent: list[Sent] = []
        self.stopped = False

    async def start(self) -> None:
        if self.starts:
            raise self.starts.pop(0)

    async def stop(self, deadline: float = 0) -> None:  # noqa: ARG002
        self.stopped = True
        for record in self.sent:
            if not record.done.done():
                record.done.set_exception(ProducerFatal("stopped"))

    async def enqueue(
        self,
        topic: str,
        *,
        key: bytes | None,  # noqa: ARG002
        value: bytes | None,
        headers: Headers,  # noqa: ARG002
        partition: int | None = None,
    ) -> "asyncio.Future[Appended]":
        if self.refusals:
            raise self.refusals.pop(0)
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self.sent.append(Sent(topic, value, partition, future))
        return future
