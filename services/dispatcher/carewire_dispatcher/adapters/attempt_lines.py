"""What is told of attempts: counts, durations, and a line each in the log of the process."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import Final
from urllib.parse import urlsplit

from carewire_contracts.topics import Lane
from carewire_dispatcher.adapters.trial import Trial
from carewire_dispatcher.domain.log_entry import DeliveryStatus
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.instruments import Count
from carewire_runtime.telemetry.logs import logger

_HOSTS_KEPT: Final = 10_000

_log = logger("worker")


def tell_all(trials: Sequence[Trial]) -> None:
    """Count attempts, and write their lines at once."""
    _count_all(trials)
    _log.info_each("attempt", [(_fields(trial), trial.prepared.traceparent) for trial in trials])


def _count_all(trials: Sequence[Trial]) -> None:
    latencies: list[float] = []
    durations: defaultdict[tuple[Lane, str], list[float]] = defaultdict(list)
    for trial in trials:
        entry = trial.entry
        if entry.status is DeliveryStatus.DELIVERED:
            latencies.append(max(0, entry.at - entry.event_at) / 1000)
        durations[trial.prepared.lane, trial.outcome].append(trial.tried.duration / 1000)
    if latencies:
        _record_latencies(latencies)
    for (lane, outcome), ended in durations.items():
        count, record_durations = _measures(lane, outcome)
        count(len(ended))
        record_durations(ended)


def _fields(trial: Trial) -> dict[str, object]:
    prepared, entry, tried = trial.prepared, trial.entry, trial.tried
    return {
        "delivery_id": entry.delivery_id,
        "endpoint_id": entry.endpoint_id,
        "host": _host(prepared.call.url),
        "event_id": entry.event_id,
        "event_type": entry.event_type,
        "lane": prepared.lane,
        "attempt": entry.attempts,
        "status": str(entry.status),
        "outcome": trial.outcome,
        "status_code": tried.status_code,
        "duration_ms": tried.duration,
    }


_record_latencies = metrics.DELIVERY_LATENCY.recording_all()


@cache
def _measures(lane: Lane, outcome: str) -> tuple[Count, Callable[[Iterable[float]], None]]:
    """What counts and times an attempt; a lane, and the words for how an attempt may end, are few."""
    return (
        metrics.ATTEMPTS.counting(lane=lane, outcome=outcome),
        metrics.ATTEMPT_DURATION.recording_all(outcome=outcome),
    )


@lru_cache(_HOSTS_KEPT)
def _host(url: str) -> str | None:
    return urlsplit(url).hostname
