"""A call on its way through the stages of ingress."""

from typing import Final

from carewire_ingress.adapters.arrival import Arrival
from carewire_ingress.adapters.request_records import RequestRecord
from carewire_ingress.domain.admit import Admission, Filtered, Meant, Rejected
from carewire_ingress.domain.answers import Answer
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.mapping import AdmissionPlan
from carewire_runtime.http.exchange import Exchange
from carewire_runtime.telemetry.tracing import SpanKind, span

_SERVER: Final = SpanKind.SERVER
"""Looked up once: a member of an enumeration costs as much as a step."""


class Visit:
    """A call since it `began`, in monotonic seconds. What has no value yet is filled in by the stage that finds it."""

    __slots__ = (
        "answer",
        "arrival",
        "began",
        "call",
        "exchange",
        "is_quiet",
        "plan",
        "reasons",
        "record",
        "refusal",
        "request_id",
        "secret",
        "sifted",
        "trace",
        "verdict",
        "webhook_id",
    )

    plan: AdmissionPlan
    call: Call
    sifted: Meant | Filtered | Rejected
    verdict: Admission
    record: RequestRecord
    answer: Answer

    def __init__(self, exchange: Exchange, began: float) -> None:
        self.exchange = exchange
        self.began = began
        self.arrival = Arrival.of(exchange)
        self.trace = span("ingress.receive", parent=self.arrival.traceparent, kind=_SERVER).begin()
        self.webhook_id: str | None = None
        self.request_id: str | None = None
        self.refusal: Rejected | None = None
        """Why its sender is not believed."""
        self.secret: int | None = None
        self.reasons: tuple[str, ...] = ()
        self.is_quiet = False
        """Counted alone: a flood must not fill the disk with lines either."""
