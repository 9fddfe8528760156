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
class Blank:
    """Where the value of a concealed constant belongs, which nobody who decides or stores anything ever has."""

    constant: str


WithBlanks: TypeAlias = tuple[str | Blank, ...]
"""A text in its parts; most have no blank, so one part."""


@record()
class ApiCallRequested:
    """Call an HTTP API, and say `ApiCallAnswered` or `ApiCallFailed`. The activity's id is the idempotency key.

    `api_requests` tells what is sent, once it is known what belongs into the blanks.
    """

    activity_id: str
    method: str
    url: WithBlanks = field(repr=False)
    headers: tuple[tuple[str, WithBlanks], ...] = field(repr=False)
    body: WithBlanks | None = field(repr=False)


Order: TypeAlias = TimerSet | TimerCancelled | ApiCallRequested
