"""What the attempt log is told: one entry for each HTTP attempt, and for each end that came without one."""

from enum import StrEnum
from typing import Final, Self

from msgspec import Struct
from msgspec.json import Decoder, Encoder
from msgspec.structs import replace

from carewire_dispatcher.domain.classify import Answer, Failure, Retry, Verdict
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.ending import EndStatus
from carewire_dispatcher.domain.exchange import KeptAnswer, SentRequest
from carewire_dispatcher.domain.schedule import Slot
from carewire_dispatcher.domain.storable import UNREADABLE, Instant, Int4, Int8, Text, Uuid


class DeliveryStatus(StrEnum):
    """Where a delivery stands: still tried, or ended in one of three ways."""

    RETRYING = "retrying"
    DELIVERED = "delivered"
    FAILED = "failed"
    HELD = "held"


_ENDED: Final = {status: DeliveryStatus(status) for status in EndStatus}


class UnreadableEntry(ValueError):
    """The record is no entry of the attempt log. Trying again cannot help."""

    retriable = False


class Tried(Struct, frozen=True, gc=False):
    """One HTTP attempt: its own id, when it began, how long it took in milliseconds, and what came of it.

    `judged_from` is that of the endpoint with which it was made. `request_id` says what was sent, and `request` does so
    in full, where the log may not know it yet. `answer` is what is kept of an answer.
    """

    id: Uuid
    started_at: Instant
    duration: Int4
    status_code: Int4 | None
    failure: Text | None
    request_id: Uuid | None = None
    request: SentRequest | None = None
    answer: KeptAnswer | None = None
    judged_from: Instant | None = None

    @classmethod
    def of(
        cls,
        attempt_id: str,
        started_at: int,
        ended_at: int,
        result: Answer | Failure,
        request_id: str | None = None,
        request: SentRequest | None = None,
        answer: KeptAnswer | None = None,
        judged_from: int | None = None,
    ) -> Self:
        """Describe an attempt by its result, and by what is kept of it."""
        status_code = result.status if isinstance(result, Answer) else None
        failure = str(result) if isinstance(result, Failure) else None
        duration = max(0, ended_at - started_at)
        return cls(attempt_id, started_at, duration, status_code, failure, request_id, request, answer, judged_from)


class LogEntry(Struct, frozen=True, gc=False):
    """The state of a delivery after an attempt, or at an end without one. `at` is when it was reached.

    What entries of an earlier release do not tell has a value of its own.
    """

    delivery_id: Uuid
    endpoint_id: Uuid
    event_id: Text
    event_type: Text
    event_topic: Text
    event_partition: Int4
    event_offset: Int8
    event_at: Instant
    epoch: Int4
    attempts: Int4
    first_attempt_at: Instant | None
    status: DeliveryStatus
    reason: Text | None
    next_attempt_at: Instant | None
    at: Instant
    tried: Tried | None
    care_flow_id: Uuid | None = None

    @classmethod
    def of(cls, delivery: Delivery, verdict: Verdict, at: int, tried: Tried | None = None) -> Self:
        """Write down what became of a delivery; `delivery` has the attempt counted."""
        if isinstance(verdict, Retry):
            status, reason, next_attempt_at = DeliveryStatus.RETRYING, None, verdict.slot.due_at
        else:
            status, reason, next_attempt_at = _ENDED[verdict.status], verdict.reason, None
        event = delivery.event
        # By place: by name it takes half as long again, and each attempt passes here.
        return cls(
            delivery.id,
            delivery.endpoint_id,
            delivery.event_id,
            delivery.event_type,
            event.topic,
            event.partition,
            event.offset,
            delivery.event_at,
            delivery.epoch,
            delivery.attempt,
            delivery.first_attempt_at,
            status,
            reason,
            next_attempt_at,
            at,
            tried,
            delivery.care_flow_id,
        )

    @classmethod
    def handed_out(cls, delivery: Delivery, at: int) -> Self:
        """Write down that a delivery was made, before anybody tries it."""
        return cls.of(delivery, Retry(Slot(0, delivery.due_at)), at)

    @property
    def is_handed_out(self) -> bool:
        """Whether it tells that a delivery was made, and nothing more: of all else there is an attempt or an end."""
        return self.tried is None and self.attempts == self.epoch == 0 and self.status is DeliveryStatus.RETRYING

    def encode(self) -> bytes:
        """Write the entry as JSON."""
        return _encoder.encode(self)

    @classmethod
    def decode(cls, value: bytes | None) -> "LogEntry":
        """Read an entry. Raises UnreadableEntry where the bytes are none, or the tables could not hold it."""
        try:
            return _decoder.decode(value or b"")
        except UNREADABLE:
            raise UnreadableEntry("the record holds no entry of the attempt log") from None

    def supersedes(self, other: "LogEntry") -> bool:
        """Whether this entry tells the later state of the same delivery.

        A delivered one stays delivered within its epoch, whatever a copy of it meets; else what came of a later
        attempt wins. Where both came of the same record, because a worker was killed before it had written the next
        one, there is no next one if either is an end. Only then the later moment counts: clocks may be wrong.
        """
        return _progress(self) >= _progress(other)

    def knowing(self, earlier: "LogEntry") -> Self:
        """Return this state of a delivery with what it does not tell itself: of an attempt, if it came without one.

        So an end without an attempt, as of what is held, goes on telling what the last attempt came to.
        """
        if self.tried or not earlier.tried:
            return self
        if self.epoch != earlier.epoch:
            return replace(self, tried=earlier.tried)
        attempts = max(self.attempts, earlier.attempts)
        first_attempt_at = self.first_attempt_at or earlier.first_attempt_at
        return replace(self, tried=earlier.tried, attempts=attempts, first_attempt_at=first_attempt_at)


def _progress(entry: LogEntry) -> tuple[int, bool, int, bool, int, int]:
    is_delivered, has_ended = entry.status is DeliveryStatus.DELIVERED, entry.status is not DeliveryStatus.RETRYING
    # What is held instead of being tried is as far as what was tried.
    tried = entry.attempts + (entry.status is DeliveryStatus.HELD)
    return entry.epoch, is_delivered, tried, has_ended, entry.attempts, entry.at


_encoder: Final = Encoder()
_decoder: Final = Decoder(LogEntry)
