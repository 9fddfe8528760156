"""What the attempt log is told: one entry for each HTTP attempt, and for each end that came without one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import orjson

from carewire_dispatcher.domain.classify import Answer, Failure, Retry, Verdict
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.ending import End


class DeliveryStatus(StrEnum):
    """Where a delivery stands: still tried, or ended in one of three ways."""

    RETRYING = "retrying"
    DELIVERED = "delivered"
    FAILED = "failed"
    HELD = "held"


class UnreadableEntry(ValueError):
    """The record is no entry of the attempt log. Trying again cannot help."""

    retriable = False


@dataclass(frozen=True, slots=True)
class Tried:
    """One HTTP attempt: its own id, when it began, how long it took in milliseconds, and what came of it."""

    id: str
    started_at: int
    duration: int
    status_code: int | None
    failure: str | None

    @classmethod
    def of(cls, attempt_id: str, started_at: int, ended_at: int, result: Answer | Failure) -> Self:
        """Describe an attempt by its result."""
        status_code = result.status if isinstance(result, Answer) else None
        failure = str(result) if isinstance(result, Failure) else None
        return cls(attempt_id, started_at, max(0, ended_at - started_at), status_code, failure)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """The state of a delivery after an attempt, or at an end without one. `at` is when it was reached."""

    delivery_id: str
    endpoint_id: str
    event_id: str
    event_type: str
    event_topic: str
    event_partition: int
    event_offset: int
    event_at: int
    epoch: int
    attempts: int
    first_attempt_at: int | None
    status: DeliveryStatus
    reason: str | None
    next_attempt_at: int | None
    at: int
    tried: Tried | None

    @classmethod
    def of(cls, delivery: Delivery, verdict: Verdict, at: int, tried: Tried | None = None) -> Self:
        """Write down what became of a delivery; `delivery` has the attempt counted."""
        return cls(
            delivery_id=delivery.id,
            endpoint_id=delivery.endpoint_id,
            event_id=delivery.event_id,
            event_type=delivery.event_type,
            event_topic=delivery.event.topic,
            event_partition=delivery.event.partition,
            event_offset=delivery.event.offset,
            event_at=delivery.event_at,
            epoch=delivery.epoch,
            attempts=delivery.attempt,
            first_attempt_at=delivery.first_attempt_at,
            status=DeliveryStatus.RETRYING if isinstance(verdict, Retry) else DeliveryStatus(verdict.status),
            reason=verdict.reason if isinstance(verdict, End) else None,
            next_attempt_at=verdict.slot.due_at if isinstance(verdict, Retry) else None,
            at=at,
            tried=tried,
        )

    def encode(self) -> bytes:
        """Write the entry as JSON."""
        return orjson.dumps(self)

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """Read an entry. Raises UnreadableEntry where the bytes are none."""
        try:
            fields = orjson.loads(value or b"")
            tried = fields.pop("tried")
            status = DeliveryStatus(fields.pop("status"))
            return cls(**fields, status=status, tried=None if tried is None else Tried(**tried))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise UnreadableEntry("the record holds no entry of the attempt log") from None

    def supersedes(self, other: "LogEntry") -> bool:
        """Whether this entry tells the later state of the same delivery.

        A delivered one stays delivered within its epoch, whatever a copy of it meets; else more attempts win,
        then the later moment.
        """
        if self.epoch != other.epoch:
            return self.epoch > other.epoch
        if (self.status is DeliveryStatus.DELIVERED) != (other.status is DeliveryStatus.DELIVERED):
            return self.status is DeliveryStatus.DELIVERED
        return (self.attempts, self.at) >= (other.attempts, other.at)
