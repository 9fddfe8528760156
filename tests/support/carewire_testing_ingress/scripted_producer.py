"""A producer that does what a test tells it, for what a real broker cannot be made to do on command."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from carewire_runtime.errors import KafkaError, KafkaUnavailable, ProducerFatal
from carewire_runtime.kafka.producer import Appended, Content, Headers, Producer


@dataclass(slots=True)
class Sent:
    """A batch that waits for the test to settle it."""

    topic: str
    partition: int
    offset: int
    records: Sequence[Content]
    settled: Callable[[int, Appended | KafkaError], None]
    is_settled: bool = False

    @property
    def value(self) -> bytes | None:
        """What the first record holds; most batches of tests have one alone."""
        return self.records[0].value

    def acknowledge(self, timestamp_ms: int) -> None:
        self.settle(Appended(self.topic, self.partition, self.offset, timestamp_ms))

    def settle(self, outcome: Appended | KafkaError) -> None:
        if not self.is_settled:
            self.is_settled = True
            self.settled(len(self.records), outcome)


class ScriptedProducer(Producer):
    """Batches wait in `sent` until the test settles them, each of at most `batch` records.

    `starts` and `refusals` are errors to raise, in order. A value of more than `limit` bytes is too large.
    """

    def __init__(self, *, starts: list[KafkaError] | None = None, batch: int = 1, limit: int = 1_000_000) -> None:
        super().__init__("nowhere", "scripted")
        self.starts = starts or []
        self.batch = batch
        self.limit = limit
        self.refusals: list[Exception] = []
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

    def is_too_large(self, key: bytes | None, value: bytes | None, headers: Headers) -> bool:  # noqa: ARG002
        return len(value or b"") > self.limit

    async def hand_over(
        self,
        topic: str,
        partition: int,
        records: Sequence[Content],
        settled: Callable[[int, Appended | KafkaError], None],
    ) -> int:
        if self.refusals:
            raise self.refusals.pop(0)
        if not self.runs:
            raise KafkaUnavailable("the producer is not started")
        taken = records[: self.batch]
        self.sent.append(Sent(topic, partition, len(self.sent), taken, settled))
        return len(taken)
