"""What the attempt log is told: one entry for each HTTP attempt, and for each end that came without one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final, Self

import orjson

from carewire_contracts.record import record
from carewire_dispatcher.domain.classify import Answer, Failure, Retry, Verdict
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.ending import EndStatus
from carewire_dispatcher.domain.exchange import KeptAnswer, SentRequest
from carewire_dispatcher.domain.schedule import Slot


class DeliveryStatus(StrEnum):
    """Where a delivery stands: still tried, or ended in one of three ways."""

    RETRYING = "retrying"
    DELIVERED = "delivered"
    FAILED = "failed"
    HELD = "held"


_ENDED: Final = {status: DeliveryStatus(status) for status in EndStatus}
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_INT4: Final = 2**31
_INT8: Final = 2**63
_YEAR_10000: Final = 253_402_300_800_000


class UnreadableEntry(ValueError):
    """The record is no entry of the attempt log. Trying again cannot help."""

    retriable = False


@record()
class Tried:
    """One HTTP attempt: its own id, when it began, how long it took in milliseconds, and what came of it.

    `judged_from` is that of the endpoint with which it was made. `request_id` says what was sent, and `request` does so
    in full, where the log may not know it yet. `answer` is what is kept of an answer.
    """

    id: str
    started_at: int
    duration: int
    status_code: int | None
    failure: str | None
    request_id: str | None = None
    request: SentRequest | None = None
    answer: KeptAnswer | None = None
    judged_from: int | None = None

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

    def laid_out(self) -> dict[str, Any]:
        """Return its fields by their names, as an entry has them."""
        return {
            "id": self.id,
            "started_at": self.started_at,
            "duration": self.duration,
            "status_code": self.status_code,
            "failure": self.failure,
            "request_id": self.request_id,
            "request": self.request,
            "answer": self.answer,
            "judged_from": self.judged_from,
        }


@record()
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
    care_flow_id: str | None
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
            delivery.care_flow_id,
            delivery.epoch,
            delivery.attempt,
            delivery.first_attempt_at,
            status,
            reason,
            next_attempt_at,
            at,
            tried,
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
        # Laid out here: a dataclass with slots takes orjson twice as long, and each attempt passes here.
        return orjson.dumps(
            {
                "delivery_id": self.delivery_id,
                "endpoint_id": self.endpoint_id,
                "event_id": self.event_id,
                "event_type": self.event_type,
                "event_topic": self.event_topic,
                "event_partition": self.event_partition,
                "event_offset": self.event_offset,
                "event_at": self.event_at,
                "care_flow_id": self.care_flow_id,
                "epoch": self.epoch,
                "attempts": self.attempts,
                "first_attempt_at": self.first_attempt_at,
                "status": self.status,
                "reason": self.reason,
                "next_attempt_at": self.next_attempt_at,
                "at": self.at,
                "tried": self.tried and self.tried.laid_out(),
            }
        )

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """Read an entry. Raises UnreadableEntry where the bytes are none."""
        try:
            fields = _ADDED | orjson.loads(value or b"")
            tried = fields["tried"]
            return cls(
                **_checked(fields, _ENTRY),
                status=DeliveryStatus(fields["status"]),
                tried=None if tried is None else _tried(_ADDED_TO_TRIED | tried),
            )
        except (ValueError, TypeError, KeyError):
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


def _tried(fields: Mapping[str, Any]) -> Tried:
    request, answer = fields["request"], fields["answer"]
    return Tried(
        **_checked(fields, _TRIED),
        request=None if request is None else SentRequest(**_checked(request, _REQUEST)),
        answer=None if answer is None else KeptAnswer(**_checked(answer, _ANSWER)),
    )


def _checked(fields: Mapping[str, Any], checks: Mapping[str, Callable[[Any], bool]]) -> dict[str, Any]:
    """Return the fields that the log knows, if its tables take them. Raises ValueError or KeyError.

    One entry that Postgres refuses would be refused for ever, and all entries behind it would wait.
    """
    known = {}
    for name, check in checks.items():
        value = known[name] = fields[name]
        if not check(value):
            raise ValueError("a field of the entry has a value that no writer of ours makes")
    return known


def _is_uuid(value: Any) -> bool:
    return type(value) is str and _UUID.fullmatch(value) is not None


def _is_text(value: Any) -> bool:
    return type(value) is str and "\0" not in value


def _is_number(limit: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and 0 <= value < limit


def _or_none(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


def _is_headers(value: Any) -> bool:
    return type(value) is dict and all(map(_is_text, value)) and all(map(_is_text, value.values()))


def _is_one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: value in words


_is_int4: Final = _is_number(_INT4)
_is_instant: Final = _is_number(_YEAR_10000)

_ENTRY: Final[Mapping[str, Callable[[Any], bool]]] = {
    "delivery_id": _is_uuid,
    "endpoint_id": _is_uuid,
    "event_id": _is_text,
    "event_type": _is_text,
    "event_topic": _is_text,
    "event_partition": _is_int4,
    "event_offset": _is_number(_INT8),
    "event_at": _is_instant,
    "care_flow_id": _or_none(_is_uuid),
    "epoch": _is_int4,
    "attempts": _is_int4,
    "first_attempt_at": _or_none(_is_instant),
    "reason": _or_none(_is_text),
    "next_attempt_at": _or_none(_is_instant),
    "at": _is_instant,
}
_ADDED: Final[Mapping[str, Any]] = {"care_flow_id": None}
"""What entries of an earlier release do not tell."""
_TRIED: Final[Mapping[str, Callable[[Any], bool]]] = {
    "id": _is_uuid,
    "started_at": _is_instant,
    "duration": _is_int4,
    "status_code": _or_none(_is_int4),
    "failure": _or_none(_is_text),
    "request_id": _or_none(_is_uuid),
    "judged_from": _or_none(_is_instant),
}
_ADDED_TO_TRIED: Final[Mapping[str, Any]] = {
    "request_id": None,
    "request": None,
    "answer": None,
    "judged_from": None,
}
_REQUEST: Final[Mapping[str, Callable[[Any], bool]]] = {
    "id": _is_uuid,
    "url": _is_text,
    "headers": _is_headers,
    "payload": _is_one_of("full", "thin"),
    "content_mode": _is_one_of("flat", "cloudevents"),
}
_ANSWER: Final[Mapping[str, Callable[[Any], bool]]] = {"headers": _is_headers, "body": _or_none(_is_text)}
