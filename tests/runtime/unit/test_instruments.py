"""The instruments against plain lists: sums, buckets and gauges as Prometheus reads them."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from carewire_runtime.telemetry import instruments
from carewire_runtime.telemetry.instruments import Counter, Gauge, Histogram, exposition

BUCKETS = (1.0, 2.0, 5.0)


@pytest.fixture(scope="module", autouse=True)
def _registry_of_its_own() -> Iterator[None]:
    """Instruments are registered for ever: those of this module must not be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instruments, "_REGISTRY", CollectorRegistry())
        yield


def exposed(name: str) -> Metric:
    families = text_string_to_metric_families(exposition().decode())
    return next(family for family in families if family.name == name)


def samples(name: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for one in exposed(name).samples}


@pytest.mark.parametrize(("unit", "suffix"), [("", ""), ("s", "_seconds"), ("By", "_bytes")])
def test_a_name_ends_in_its_unit_and_carries_its_meaning(unit: str, suffix: str) -> None:
    Counter(f"test_named{suffix or '_plain'}", unit, (), "what it means").add()
    family = exposed(f"test_named{suffix or '_plain'}")
    assert (family.documentation, family.type) == ("what it means", "counter")


def test_an_unknown_unit_is_refused_where_it_is_declared() -> None:
    with pytest.raises(KeyError):
        Counter("test_unit", "parsec", (), "x")


@given(amounts=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1000)), max_size=30))
def test_a_counter_is_the_sum_of_its_amounts_by_label(amounts: list[tuple[str, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instruments, "_REGISTRY", CollectorRegistry())
        counter = Counter("test_sum", "", ("kind",), "x")
        for kind, amount in amounts:
            counter.add(amount, kind=kind)
        for kind in "ab":
            assert counter.value(kind=kind) == sum(amount for each, amount in amounts if each == kind)


def test_counting_often_and_counting_once_are_the_same() -> None:
    counter = Counter("test_often", "", ("kind",), "x")
    count = counter.counting(kind="a")
    count()
    counter.add(kind="a")
    count()
    count(4)
    assert counter.value(kind="a") == 7
    assert counter.value(kind="b") == 0


@given(seen=st.lists(st.floats(0, 10), max_size=40))
def test_a_bucket_holds_all_that_is_not_above_its_bound(seen: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instruments, "_REGISTRY", CollectorRegistry())
        histogram = Histogram("test_spread", "s", ("kind",), "x", BUCKETS)
        record, record_all = histogram.recording(kind="a"), histogram.recording_all(kind="a")
        for number, value in enumerate(seen):
            if number % 3 == 1:
                record(value)
            elif number % 3 == 2:
                histogram.record(value, kind="a")
        if seen[::3]:
            record_all(seen[::3])
        if not seen:
            assert samples("test_spread_seconds") == {}
            return
        found = samples("test_spread_seconds")
        for bound in (*map(str, BUCKETS), "+Inf"):
            key = ("test_spread_seconds_bucket", (("kind", "a"), ("le", bound)))
            assert found[key] == sum(value <= float(bound) for value in seen)
        assert found["test_spread_seconds_count", (("kind", "a"),)] == len(seen)
        assert found["test_spread_seconds_sum", (("kind", "a"),)] == pytest.approx(sum(seen))


@pytest.mark.parametrize("labels", [{}, {"other": "x"}, {"kind": "x", "other": "x"}])
def test_every_kind_refuses_labels_that_were_not_declared(labels: dict[str, str]) -> None:
    counter = Counter("test_refusing_count", "", ("kind",), "x")
    histogram = Histogram("test_refusing_spread", "", ("kind",), "x", BUCKETS)
    gauge = Gauge("test_refusing_level", "", ("kind",), "x")
    for use in (
        lambda: counter.add(**labels),  # type: ignore[arg-type]
        lambda: counter.counting(**labels),
        lambda: counter.value(**labels),
        lambda: histogram.record(1, **labels),
        lambda: histogram.recording(**labels),
        lambda: histogram.recording_all(**labels),
        lambda: gauge.watch(lambda: 1, **labels),
    ):
        with pytest.raises(KeyError, match=r"has the labels \['kind'\]"):
            use()


def test_of_several_readers_under_equal_labels_the_newest_is_shown() -> None:
    gauge = Gauge("test_newest", "", ("lane",), "x")
    key = ("test_newest", (("lane", "fast"),))
    gauge.watch(lambda: 1, lane="fast")
    forget = gauge.watch(lambda: 2, lane="fast")
    assert samples("test_newest") == {key: 2}
    forget()
    assert samples("test_newest") == {key: 1}


def test_a_reader_with_nothing_to_say_is_left_out() -> None:
    gauge = Gauge("test_silent", "", ("lane",), "x")
    gauge.watch(lambda: None, lane="fast")
    gauge.watch(lambda: 0, lane="bulk")
    assert samples("test_silent") == {("test_silent", (("lane", "bulk"),)): 0}
