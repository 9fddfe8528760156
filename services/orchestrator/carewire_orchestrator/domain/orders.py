"""What a care flow asks of the world outside, beside the domain events that it tells of."""

from dataclasses import field
from datetime import datetime
from typing import TypeAlias

from carewire_contracts.record import record


@record()
class TimerSet:
    """Say `TimerDue` at this moment or as soon as possible after it. An earlier moment of the same timer is void."""

    timer_id: str
    due_at: datetime


@record()
class TimerCancelled:
    """Say nothing of this timer any more, if it has not been said already."""

    timer_id: str


@record()
class ApiCallRequested:
    """Call an HTTP API, and say `ApiCallAnswered` or `ApiCallFailed`. The activity's id is the idempotency key."""

    activity_id: str
    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: str | None = field(repr=False)


Order: TypeAlias = TimerSet | TimerCancelled | ApiCallRequested
