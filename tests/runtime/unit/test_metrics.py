import pytest

from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.instruments import Counter, Gauge, Histogram, exposition


def every_metric() -> list[Counter | Histogram | Gauge]:
    return [value for value in vars(metrics).values() if isinstance(value, Counter | Histogram | Gauge)]


def test_every_metric_is_named_once_and_explained() -> None:
    names = [metric.name for metric in every_metric()]
    assert len(names) == len(set(names)) > 20
    assert all(name.startswith("carewire_") for name in names)
    assert all(metric.meaning for metric in every_metric())
    assert {metric.kind for metric in every_metric()} == {"counter", "histogram", "gauge"}


def test_no_label_can_hold_a_senders_value() -> None:
    labels = {label for metric in every_metric() for label in metric.labels}
    assert labels <= {
        "status", "reason", "event_type", "lane", "outcome", "group", "what", "topic", "route", "status_code",
    }  # fmt: skip


def test_a_counter_sums_by_label() -> None:
    before = metrics.DEAD_LETTERS.value(reason="test")
    metrics.DEAD_LETTERS.add(reason="test")
    metrics.DEAD_LETTERS.add(2, reason="test")
    assert metrics.DEAD_LETTERS.value(reason="test") == before + 3
    assert f'carewire_dead_letters_total{{reason="test"}} {before + 3}'.encode() in exposition()


@pytest.mark.parametrize("labels", [{}, {"reason": "a", "other": "b"}, {"other": "b"}])
def test_undeclared_and_missing_labels_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises(KeyError, match="carewire_dead_letters has the labels"):
        metrics.DEAD_LETTERS.add(**labels)  # type: ignore[arg-type]


def test_a_gauge_is_read_when_somebody_looks_and_until_it_is_forgotten() -> None:
    value: list[float | None] = [1.0]
    unwatch = metrics.OLDEST_DUE.watch(lambda: value[0], lane="test")
    assert b'carewire_oldest_due_seconds{lane="test"} 1.0' in exposition()
    value[0] = None
    assert b'carewire_oldest_due_seconds{lane="test"}' not in exposition()
    value[0] = 2.0
    assert b'carewire_oldest_due_seconds{lane="test"} 2.0' in exposition()
    unwatch()
    unwatch()
    assert b'carewire_oldest_due_seconds{lane="test"}' not in exposition()


def test_a_histogram_counts_into_its_buckets() -> None:
    metrics.BATCH_DURATION.record(0.3, group="test")
    text = exposition().decode()
    assert 'carewire_batch_duration_seconds_bucket{group="test",le="0.2"} 0.0' in text
    assert 'carewire_batch_duration_seconds_bucket{group="test",le="0.5"} 1.0' in text
