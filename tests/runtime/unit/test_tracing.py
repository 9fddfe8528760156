from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from carewire_runtime.telemetry.logs import logger
from carewire_runtime.telemetry.tracing import (
    configure_tracing,
    context_from,
    current_traceparent,
    shutdown_tracing,
    span,
    span_context_from,
    traceparent_of,
    tracer,
)
from carewire_testing_runtime.log import logged

SAMPLED = f"00-{5:032x}-{6:016x}-01"
UNSAMPLED = f"00-{5:032x}-{6:016x}-00"


@dataclass
class Settings:
    trace_sample_ratio: float
    trace_export: str


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "spans.jsonl"
    shutdown_tracing()


def trace_to(file: Path, ratio: float = 1.0) -> None:
    configure_tracing("test", Settings(ratio, f"file:{file}"))


def finished(file: Path) -> list[dict[str, Any]]:
    shutdown_tracing()
    return [orjson.loads(line) for line in file.read_bytes().splitlines()]


def test_a_span_and_its_child_are_written(file: Path) -> None:
    trace_to(file)
    with span("outer", attributes={"count": 2}) as outer:
        assert outer.recording
        with span("inner") as inner:
            inner.set("outcome", "ok")
    child, parent = finished(file)
    assert (parent["name"], parent["parent_id"], parent["attributes"]) == ("outer", None, {"count": 2})
    assert (child["trace_id"], child["parent_id"]) == (parent["trace_id"], parent["span_id"])
    assert child["attributes"] == {"outcome": "ok"}
    assert child["start"] <= child["end"]
    assert parent["service"] == "carewire-test"


def test_the_traceparent_of_a_span_names_it(file: Path) -> None:
    trace_to(file)
    with span("one") as one:
        assert current_traceparent() == one.traceparent
    assert current_traceparent() is None
    [line] = finished(file)
    assert one.traceparent == f"00-{line['trace_id']}-{line['span_id']}-01"


def test_a_sampled_parent_is_followed_and_an_unsampled_one_is_not(file: Path) -> None:
    trace_to(file, ratio=0)
    with span("followed", parent=SAMPLED):
        pass
    with span("not", parent=UNSAMPLED) as unsampled:
        assert unsampled.traceparent == UNSAMPLED
        with span("nor its child") as child:
            assert not child.recording
    [line] = finished(file)
    assert (line["name"], line["trace_id"], line["parent_id"]) == ("followed", f"{5:032x}", f"{6:016x}")


@pytest.mark.parametrize(
    "parent", [None, "", "canary", "00-zz-zz-01", f"00-{0:032x}-{0:016x}-01", SAMPLED[:-4] + "zz-01"]
)
def test_without_a_usable_parent_a_new_trace_begins(file: Path, parent: str | None) -> None:
    trace_to(file)
    with span("new", parent=parent):
        pass
    [line] = finished(file)
    assert line["parent_id"] is None
    assert line["trace_id"] != f"{0:032x}"


def test_a_root_is_a_new_trace_inside_of_another_and_can_link_to_it(file: Path) -> None:
    trace_to(file)
    with span("outer") as outer, span("later", root=True, links=[outer.traceparent, "broken"]):
        pass
    later, first = finished(file)
    assert later["trace_id"] != first["trace_id"]
    assert later["links"] == [f"{first['trace_id']}-{first['span_id']}"]


def test_new_traces_are_sampled_by_ratio_as_opentelemetry_would(file: Path) -> None:
    trace_to(file, ratio=0.25)
    traceparents = []
    for _ in range(2000):
        with span("one") as one:
            traceparents.append(one.traceparent)
    sampler = TraceIdRatioBased(0.25)
    sampled = [traceparent for traceparent in traceparents if traceparent.endswith("-01")]
    assert 350 < len(sampled) < 650
    for traceparent in traceparents:
        decision = sampler.should_sample(None, int(traceparent[3:35], 16), "one").decision
        assert (decision is Decision.RECORD_AND_SAMPLE) == traceparent.endswith("-01")
    assert len(finished(file)) == len(sampled)


def test_an_exception_marks_the_span_with_its_class_alone(file: Path) -> None:
    trace_to(file)
    with pytest.raises(ValueError, match="canary"), span("failing"):
        raise ValueError("canary")
    [line] = finished(file)
    assert (line["status"], line["reason"]) == ("error", "ValueError")
    assert "canary" not in file.read_text()


def test_without_configuration_traceparents_go_on_and_nothing_is_recorded() -> None:
    shutdown_tracing()
    with span("one") as one:
        assert not one.recording
        one.set("a", 1)
        one.fail("no")
        assert one.traceparent.endswith("-00")
    with span("two", parent=SAMPLED) as two:
        assert two.traceparent == SAMPLED
    configure_tracing("test", Settings(1, "none"))
    with span("three") as three:
        assert not three.recording


def test_log_lines_name_the_recorded_span_around_them(file: Path) -> None:
    trace_to(file)
    with logged() as lines, span("one"):
        logger("c").info("inside")
    [line] = finished(file)
    assert (lines.all()[0]["trace_id"], lines.all()[0]["span_id"]) == (line["trace_id"], line["span_id"])
    with logged() as lines, span("two"):
        logger("c").info("inside")
    assert "trace_id" not in lines.all()[0]


def test_a_span_that_is_begun_and_ended_by_hand_is_that_of_no_code(file: Path) -> None:
    trace_to(file)
    one = span("one").begin()
    assert current_traceparent() is None
    with logged() as lines:
        logger("c").info("beside")
    one.end()
    [line] = finished(file)
    assert (line["name"], line["trace_id"]) == ("one", one.traceparent[3:35])
    assert "trace_id" not in lines.all()[0]


def test_the_plain_tracer_takes_a_traceparent_as_context(file: Path) -> None:
    trace_to(file)
    plain = tracer().start_span("plain", context=context_from(SAMPLED))
    plain.end()
    assert traceparent_of(plain.get_span_context()).startswith(SAMPLED[:35])
    assert context_from("nonsense") is None
    assert span_context_from(None) is None
    assert finished(file)[0]["parent_id"] == f"{6:016x}"


def test_otlp_is_configured_without_contacting_anybody() -> None:
    configure_tracing("test", Settings(0, "otlp"))
    with span("unsampled"):
        pass
    shutdown_tracing()
