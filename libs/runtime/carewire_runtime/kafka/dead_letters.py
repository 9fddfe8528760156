"""Records that cannot be processed: set aside with a reason, and a limit to how many may be.

Beyond the limit nothing more is read: what was set aside is committed, the process stays up, and its readiness
says the cure. Were it to end instead, whoever restarts it would set aside one limit's worth after another.
"""

from collections import deque
from typing import Final

from carewire_runtime.clock import Clock
from carewire_runtime.errors import TooManyPoison
from carewire_runtime.kafka.producer import Appended, Headers, Producer
from carewire_runtime.kafka.records import Record
from carewire_runtime.retry import retry_in_place
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

_WINDOW_S: Final = 300.0
_LEAST_RECORDS: Final = 200
_MOST_POISON: Final = 0.2
_MOST_IN_A_ROW: Final = 1000

_log = logger("dead_letters")


class DeadLetters:
    """A `*.dead` topic, as one reader fills it. `limit` counts what the reader sets aside."""

    def __init__(self, producer: Producer, topic: str, clock: Clock) -> None:
        self._producer = producer
        self._topic = topic
        self._clock = clock
        self.limit = PoisonLimit(clock)

    async def send(self, record: Record, reason: str) -> Appended:
        """Set a record aside as it is, with `dead_*` headers saying where it stood and why.

        `reason` is a fixed word of ours, never text of an error. Waits for Kafka while it is away; raises
        ProducerFatal and RecordTooLarge.
        """
        headers: Headers = [
            *record.headers,
            ("dead_reason", reason.encode()),
            ("dead_topic", record.topic.encode()),
            ("dead_partition", str(record.partition).encode()),
            ("dead_offset", str(record.offset).encode()),
        ]
        # The dead topic needs a key or a value; a record with neither is poison indeed.
        value = b"" if record.key is None and record.value is None else record.value
        appended = await retry_in_place(
            lambda: self._producer.send(self._topic, key=record.key, value=value, headers=headers),
            self._clock,
            what="set_record_aside",
        )
        self.limit.poison()
        metrics.DEAD_LETTERS.add(reason=reason)
        _log.error(
            "record_set_aside",
            reason=reason,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
        )
        return appended


class PoisonLimit:
    """Says when so much is poison that the fault is more likely ours.

    That is: over a fifth of at least 200 records within 5 minutes, or 1,000 in a row. From then on `exceeded` is
    the error by which a reader stops, once it has finished and committed what it holds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int, int]] = deque()
        self._good = 0
        self._poison = 0
        self._in_a_row = 0
        self.exceeded: TooManyPoison | None = None

    def good(self, count: int = 1) -> None:
        """Note records that were processed."""
        if count:
            self._in_a_row = 0
            self._note(count, 0)

    def poison(self, count: int = 1) -> None:
        """Note records that were set aside."""
        self._in_a_row += count
        self._note(0, count)
        total = self._good + self._poison
        is_too_much = total >= _LEAST_RECORDS and self._poison > _MOST_POISON * total
        if self.exceeded is None and (is_too_much or self._in_a_row >= _MOST_IN_A_ROW):
            self.exceeded = TooManyPoison(
                f"{self._poison} of {total} records in 5 minutes could not be processed, and nothing more is read; "
                "look into the dead topic: if this release is at fault, start one that reads them; if the records "
                "are, stop all processes of the group and move its offsets past them "
                "(kafka-consumer-groups.sh --reset-offsets), or start anew to set aside as many again"
            )

    def _note(self, good: int, poison: int) -> None:
        now = self._clock.monotonic()
        self._seen.append((now, good, poison))
        self._good += good
        self._poison += poison
        while self._seen[0][0] <= now - _WINDOW_S:
            _, old_good, old_poison = self._seen.popleft()
            self._good -= old_good
            self._poison -= old_poison
