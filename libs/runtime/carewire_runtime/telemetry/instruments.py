"""The three kinds of instruments, over the OpenTelemetry API, exposed for Prometheus.

An instrument accepts exactly the labels that it was declared with, so that no label can be invented at the
place of use. Labels are fixed words and our own ids of configuration: never a sender's value.
"""

from collections.abc import Callable, Iterable
from typing import Final

from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, generate_latest

_REGISTRY: Final = CollectorRegistry()
_PROVIDER: Final = MeterProvider(
    [PrometheusMetricReader(registry=_REGISTRY, disable_target_info=True, scope_info_enabled=False)],
    shutdown_on_exit=False,
)
_METER: Final[metrics.Meter] = _PROVIDER.get_meter("carewire")


class _Instrument:
    def __init__(self, name: str, unit: str, labels: tuple[str, ...], meaning: str) -> None:
        self.name = name
        self.unit = unit
        self.labels = frozenset(labels)
        self.meaning = meaning

    def _checked(self, labels: dict[str, str]) -> dict[str, str]:
        if labels.keys() != self.labels:
            raise KeyError(f"{self.name} has the labels {sorted(self.labels)}, not {sorted(labels)}")
        return labels


class Counter(_Instrument):
    """Counts what happens; only grows. The sums are kept here and read when somebody looks: 0.5 µs a call."""

    kind = "counter"

    def __init__(self, name: str, unit: str, labels: tuple[str, ...], meaning: str) -> None:
        super().__init__(name, unit, labels, meaning)
        self._sums: dict[frozenset[tuple[str, str]], float] = {}
        _METER.create_observable_counter(name, [self._observe], unit, meaning)

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count `amount` more. Raises KeyError for labels other than the declared ones."""
        key = frozenset(self._checked(labels).items())
        self._sums[key] = self._sums.get(key, 0) + amount

    def value(self, **labels: str) -> float:
        """Return the sum so far."""
        return self._sums.get(frozenset(self._checked(labels).items()), 0)

    def _observe(self, _: CallbackOptions) -> Iterable[Observation]:
        for key, total in list(self._sums.items()):
            yield Observation(total, dict(key))


class Histogram(_Instrument):
    """Collects a distribution, in the buckets that it was declared with."""

    kind = "histogram"

    def __init__(self, name: str, unit: str, labels: tuple[str, ...], meaning: str, buckets: tuple[float, ...]) -> None:
        super().__init__(name, unit, labels, meaning)
        self._histogram = _METER.create_histogram(name, unit, meaning, explicit_bucket_boundaries_advisory=buckets)

    def record(self, value: float, **labels: str) -> None:
        """Add one observation. Raises KeyError for labels other than the declared ones."""
        self._histogram.record(value, self._checked(labels))


class Gauge(_Instrument):
    """Shows what is now. It is read when somebody looks, never written: nothing to keep up to date."""

    kind = "gauge"

    def __init__(self, name: str, unit: str, labels: tuple[str, ...], meaning: str) -> None:
        super().__init__(name, unit, labels, meaning)
        self._readers: dict[object, tuple[Callable[[], float | None], dict[str, str]]] = {}
        _METER.create_observable_gauge(name, [self._observe], unit, meaning)

    def watch(self, read: Callable[[], float | None], **labels: str) -> Callable[[], None]:
        """Show what `read` returns (None: nothing to show) until the returned function is called."""
        ticket = object()
        self._readers[ticket] = (read, self._checked(labels))
        return lambda: self._forget(ticket)

    def _forget(self, ticket: object) -> None:
        self._readers.pop(ticket, None)

    def _observe(self, _: CallbackOptions) -> Iterable[Observation]:
        for read, labels in list(self._readers.values()):
            value = read()
            if value is not None:
                yield Observation(value, labels)


def exposition() -> bytes:
    """Return all metrics in the Prometheus text format."""
    return generate_latest(_REGISTRY)
