"""A producer that does what a test tells it, for what a real broker cannot be made to do on command."""

from collections.abc import Callable
from dataclasses import dataclass

from carewire_runtime.errors import KafkaError, KafkaUnavailable, ProducerFatal
from carewire_runtime.kafka.producer import Appended, Headers, Producer


@dataclass(slots=True)
class Sent:
    """A record that waits for the test to settle it."""

    topic: str
    value: bytes | None
    partition: int | None
    offset: int
    settled: Callable[[Appended | KafkaError], None]
    is_settled: bool = False

    def acknowledge(self, timestamp_ms: int) -> None:
        self.settle(Appended(self.topic, self.partition or 0, self.offset, timestamp_ms))

    def settle(self, outcome: Appended | KafkaError) -> None:
        if not self.is_settled:
            self.is_settled = True
            self.settled(outcome)


class ScriptedProducer(Producer):
    """Records wait in `sent` until the test settles them. `starts` and `refusals` are errors to raise, in order."""

    def __init__(self, *, starts: list[KafkaError] | None = None) -> None:
        super().__init__("nowhere", "scripted")
        self.starts = starts or []
        self.refusals: list[KafkaError] = []
        self.sent: list[Sent] = []
        self.runs = False
        self.stopped = False

    async def start(self) -> None:
        if self.starts:
            raise self.starts.pop(0)
        self.runs = True

    async def stop(self, deadline: float = 0) -> None:  # noqa: ARG002
        self.runs, self.stopped = False, True
        for record in self.sent:
            record.settle(ProducerFatal("stopped"))

    async def hand_over(
        self,
        topic: str,
        *,
        key: bytes | None,  # noqa: ARG002
        value: bytes | None,
        headers: Headers,  # noqa: ARG002
        settled: Callable[[Appended | KafkaError], None],
        partition: int | None = None,
    ) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        if not self.runs:
            raise KafkaUnavailable("the producer is not started")
        offset = len(self.sent)
        self.sent.append(Sent(topic, value, partition, offset, settled))
