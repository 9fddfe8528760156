"""What is told of attempts: counts, durations, and a line each in the log of the process."""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Final
from urllib.parse import urlsplit

from carewire_contracts.record import record
from carewire_contracts.topics import Lane
from carewire_dispatcher.domain.log_entry import DeliveryStatus, LogEntry, Tried
from carewire_runtime.http.turn import Turn
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

_HOSTS_KEPT: Final = 10_000

_log = logger("worker")


@record()
class Ended:
    """An attempt that is over. `traceparent` is that of its span."""

    lane: Lane
    url: str
    entry: LogEntry
    tried: Tried
    traceparent: str

    @property
    def outcome(self) -> str:
        """The word for how it ended."""
        return self.tried.failure or str(self.entry.status)


class AttemptLines:
    """Counts attempts, and writes the lines of all that end in one turn at once."""

    def __init__(self) -> None:
        self._ended: Turn[Ended] = Turn(_tell_all)

    def tell(self, ended: Ended) -> None:
        """Tell of an attempt."""
        self._ended.add(ended)


def _tell_all(attempts: Sequence[Ended]) -> None:
    for ended in attempts:
        _count(ended.lane, ended.outcome, ended.entry, ended.tried)
    _log.info_each("attempt", [(_fields(ended), ended.traceparent) for ended in attempts])


def _count(lane: Lane, outcome: str, entry: LogEntry, tried: Tried) -> None:
    if entry.status is DeliveryStatus.DELIVERED:
        _record_latency(max(0, entry.at - entry.event_at) / 1000)
    count, record_duration = _measures(lane, outcome)
    count()
    record_duration(tried.duration / 1000)


def _fields(ended: Ended) -> dict[str, object]:
    entry, tried = ended.entry, ended.tried
    return {
        "delivery_id": entry.delivery_id,
        "endpoint_id": entry.endpoint_id,
        "host": _host(ended.url),
        "event_id": entry.event_id,
        "event_type": entry.event_type,
        "lane": ended.lane,
        "attempt": entry.attempts,
        "status": str(entry.status),
        "outcome": ended.outcome,
        "status_code": tried.status_code,
        "duration_ms": tried.duration,
    }


_record_latency = metrics.DELIVERY_LATENCY.recording()


@cache
def _measures(lane: Lane, outcome: str) -> tuple[Callable[[], None], Callable[[float], None]]:
    """What counts and times an attempt; a lane, and the words for how an attempt may end, are few."""
    return (
        metrics.ATTEMPTS.counting(lane=lane, outcome=outcome),
        metrics.ATTEMPT_DURATION.recording(outcome=outcome),
    )


@lru_cache(_HOSTS_KEPT)
def _host(url: str) -> str | None:
    return urlsplit(url).hostname
