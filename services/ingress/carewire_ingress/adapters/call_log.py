"""What is told of calls: counts, durations, and a line each in the log of the process."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from carewire_ingress.adapters.visit import Visit
from carewire_runtime.clock import Clock
from carewire_runtime.http.turn import Turn
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

_CALLER_GONE: Final = "caller_gone"

_log = logger("receiver")


class CallLog:
    """Counts calls, and writes the lines of all that are answered in one turn at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answered: Turn[Visit] = Turn(self._tell_all)

    def tell(self, visit: Visit) -> None:
        """Tell of a call that has its answer."""
        self._answered.add(visit)

    def count_gone(self, visit: Visit) -> None:
        """Count a call whose caller hung up."""
        _count(_CALLER_GONE, "", self._clock.monotonic() - visit.began)
        visit.trace.end()

    def _tell_all(self, visits: Sequence[Visit]) -> None:
        now = self._clock.monotonic()
        for visit in visits:
            _count(visit.answer.outcome, visit.reasons[0] if visit.reasons else "", now - visit.began)
            visit.trace.end()
        lines = [(_fields(visit, now), visit.trace.traceparent) for visit in visits if not visit.is_quiet]
        if lines:
            _log.info_each("call_answered", lines)


def _fields(visit: Visit, now: float) -> dict[str, object]:
    return {
        "route": visit.arrival.route,
        "request_id": visit.request_id,
        "webhook_id": visit.webhook_id,
        "status_code": visit.answer.status,
        "outcome": visit.answer.outcome,
        "reasons": visit.reasons,
        "secret_position": visit.secret,
        "bytes": visit.exchange.size,
        "duration_ms": round((now - visit.began) * 1000, 2),
    }


def _count(outcome: str, reason: str, seconds: float) -> None:
    count, record = _measures(outcome, reason)
    count()
    record(seconds)


@cache
def _measures(outcome: str, reason: str) -> tuple[Callable[[], None], Callable[[float], None]]:
    """What counts and times a call; outcomes and reasons are closed lists."""
    return (
        metrics.REQUESTS.counting(status=outcome, reason=reason),
        metrics.REQUEST_DURATION.recording(status=outcome),
    )
