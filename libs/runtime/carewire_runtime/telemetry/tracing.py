"""Traces: `with span("admit", parent=traceparent) as s:` around a piece of work, at most one a batch.

Sampling is parent-based with a ratio for new traces (1 % by default). The decision is made before
OpenTelemetry is asked for anything, so that an unsampled span costs a few microseconds at most: it only makes up the
ids that its children need, in order that they come to the same decision. What is sampled is recorded by the
OpenTelemetry SDK and exported by OTLP, or as JSON lines to a file.

Attributes follow the rule of logs: our own ids, fixed words and numbers only.
"""

import random
import re
from collections.abc import Sequence
from contextvars import ContextVar, Token
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

from carewire_runtime.telemetry.span_file import SpanFile

SpanKind = trace.SpanKind
AttributeValue = str | bool | int | float

_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?\Z")
_EXPORT_DELAY_MS: Final = 1000
_BITS_OF_IDS: Final = 128 + 64
"""Of a trace id and a span id."""
_NEITHER_IS_ZERO: Final = 1 << 127 << 64 | 1
"""The highest bit of a trace id and the lowest of a span id: of neither is zero valid, or chance asked for."""
_LOWER_HALF: Final = (1 << 64) - 1
"""Of a trace id: the bits by which OpenTelemetry samples."""
_SHORTEST: Final = len("00-") + 32 + 1 + 16 + 3
"""Characters of a traceparent."""
_current: ContextVar[str | None] = ContextVar("carewire_traceparent", default=None)


class TraceSettings(Protocol):
    """What tracing needs to know; `ServiceSettings` has it."""

    @property
    def trace_sample_ratio(self) -> float:
        """Share of new traces that are recorded, 0 to 1."""
        ...

    @property
    def trace_export(self) -> str:
        """`none`, `otlp`, or `file:/path`."""
        ...


class _ChosenIds(RandomIdGenerator):
    """Lets a new trace keep the id by which it was chosen for recording."""

    chosen: int | None = None

    def generate_trace_id(self) -> int:
        chosen, self.chosen = self.chosen, None
        return super().generate_trace_id() if chosen is None else chosen


class _Tracing:
    """How this process traces. Off until configured."""

    def __init__(self) -> None:
        self.provider: TracerProvider | None = None
        self.tracer: trace.Tracer = trace.NoOpTracer()
        self.ids = _ChosenIds()
        self.threshold = 0

    def shutdown(self) -> None:
        provider, self.provider = self.provider, None
        self.tracer, self.threshold = trace.NoOpTracer(), 0
        if provider is not None:
            provider.shutdown()


_tracing = _Tracing()


def configure_tracing(service: str, settings: TraceSettings) -> None:
    """Start tracing as the settings say. Replaces an earlier configuration."""
    _tracing.shutdown()
    exporter = _exporter(settings.trace_export)
    if exporter is None:
        return
    provider = TracerProvider(
        # Roots come here only once they are chosen; children obey their parent.
        sampler=ParentBased(ALWAYS_ON, remote_parent_not_sampled=ALWAYS_OFF),
        resource=Resource({"service.name": f"carewire-{service}"}),
        id_generator=_tracing.ids,
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_EXPORT_DELAY_MS))
    _tracing.provider = provider
    _tracing.tracer = provider.get_tracer("carewire")
    _tracing.threshold = int(settings.trace_sample_ratio * (1 << 64))


def shutdown_tracing() -> None:
    """Export what is left and stop. Blocks for as long as the exporter needs."""
    _tracing.shutdown()


def _exporter(export: str) -> SpanExporter | None:
    if export == "none":
        return None
    if export == "otlp":
        # Its import takes a tenth of a second, which only they should pay who asked for it.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    return SpanFile(Path(export.removeprefix("file:")))


def tracer() -> trace.Tracer:
    """Return the OpenTelemetry tracer, for what `span` cannot do."""
    return _tracing.tracer


def current_traceparent() -> str | None:
    """Return the traceparent of the innermost `span` around this code, sampled or not."""
    return _current.get()


def current_ids() -> tuple[str, str] | tuple[None, None]:
    """Return trace id and span id of the innermost span around this code, if it is recorded."""
    return recorded_ids(_current.get())


def recorded_ids(traceparent: str | None) -> tuple[str, str] | tuple[None, None]:
    """Return trace id and span id of a span's traceparent, if the span is recorded."""
    if traceparent is None or not traceparent.endswith("01"):
        return None, None
    return traceparent[3:35], traceparent[36:52]


def unrecorded(parent: str | None) -> str | None:
    """Return the traceparent of a span that nobody will ever look for; None where it may have to be recorded.

    It passes its parent's ids on as they are; without a parent, and with tracing switched off, it makes ids up.
    """
    if parent is None or len(parent) < _SHORTEST:
        return _traceparent_of(_new_ids()) if _tracing.provider is None else None
    return parent if not parent.endswith("1") or _tracing.provider is None else None


def _new_ids() -> int:
    return random.getrandbits(_BITS_OF_IDS) | _NEITHER_IS_ZERO


def _traceparent_of(ids: int) -> str:
    text = ids.to_bytes(_BITS_OF_IDS // 8, "big").hex()  # in half the time of formatting the number
    return f"00-{text[:32]}-{text[32:]}-00"


def traceparent_of(context: SpanContext) -> str:
    """Return the W3C traceparent of a span's context."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & 1:02x}"


def span_context_from(traceparent: str | None) -> SpanContext | None:
    """Return the span context of a traceparent; None where there is none or it is not well-formed."""
    match = _TRACEPARENT.match(traceparent) if traceparent else None
    if match is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in match.groups())
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags & 1))
    return context if context.is_valid else None


def context_from(traceparent: str | None) -> Context | None:
    """Return the OpenTelemetry context of a traceparent, for use with `tracer()`."""
    context = span_context_from(traceparent)
    return None if context is None else trace.set_span_in_context(NonRecordingSpan(context), Context())


class span:  # noqa: N801 (it is used as a verb: with span(...) as s)
    """A span as a context manager.

    `parent` is a traceparent, by default that of the span around; `root=True` begins a new trace in any case.
    `links` are traceparents of other traces. An exception that passes marks the span with its class.
    """

    __slots__ = ("_attributes", "_kind", "_links", "_name", "_parent", "_recorded", "_token", "traceparent")

    def __init__(
        self,
        name: str,
        *,
        parent: str | None = None,
        root: bool = False,
        kind: SpanKind = SpanKind.INTERNAL,
        links: Sequence[str] = (),
        attributes: dict[str, AttributeValue] | None = None,
    ) -> None:
        self._name = name
        self._parent = None if root else parent or _current.get()
        self._kind = kind
        self._links = links
        self._attributes = attributes
        self._recorded: trace.Span | None = None
        self._token: Token[str | None] | None = None
        self.traceparent = ""

    @property
    def recording(self) -> bool:
        """Whether anything is recorded; ask before computing costly attributes."""
        return self._recorded is not None

    def set(self, name: str, value: AttributeValue) -> None:
        """Set an attribute."""
        if self._recorded is not None:
            self._recorded.set_attribute(name, value)

    def fail(self, reason: str) -> None:
        """Mark the span as failed, with a fixed word for the reason."""
        if self._recorded is not None:
            self._recorded.set_status(Status(StatusCode.ERROR, reason))

    def begin(self) -> Self:
        """Begin the span without its being that of the code around; `end` ends it."""
        parent = self._parent
        passed_on = unrecorded(parent)
        if passed_on is not None:
            self.traceparent = passed_on
        elif parent is None or len(parent) < _SHORTEST:
            self.traceparent = self._begin_trace()
        else:
            self.traceparent = self._record(context_from(parent))
        return self

    def end(self) -> None:
        """End what was begun."""
        if self._recorded is not None:
            self._recorded.end()

    def __enter__(self) -> Self:
        self.begin()
        self._token = _current.set(self.traceparent)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_back: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)
        if kind is not None:
            self.fail(kind.__qualname__)
        self.end()

    def _begin_trace(self) -> str:
        ids = _new_ids()
        if (ids >> 64) & _LOWER_HALF < _tracing.threshold:
            _tracing.ids.chosen = ids >> 64
            return self._record(Context())
        return _traceparent_of(ids)

    def _record(self, context: Context | None) -> str:
        links = [Link(linked) for linked in map(span_context_from, self._links) if linked is not None]
        self._recorded = _tracing.tracer.start_span(
            self._name, context=context, kind=self._kind, links=links, attributes=self._attributes
        )
        return traceparent_of(self._recorded.get_span_context())
