import logging
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.errors import KafkaRefused, StatementFailed
from carewire_runtime.phi import Phi
from carewire_runtime.telemetry import metrics, tracing
from carewire_runtime.telemetry.log_fields import LOG_FIELDS
from carewire_runtime.telemetry.logs import logger
from carewire_testing_runtime.log import Lines, logged

CANARY = "canary-5150"
log = logger("relay")


def test_a_line_says_when_who_and_what() -> None:
    with logged() as lines:
        log.info("batch_published", count=3)
    [line] = lines.all()
    assert line["time"].endswith("Z")
    assert {name: line[name] for name in ("level", "event", "service", "component", "count")} == {
        "level": "info",
        "event": "batch_published",
        "service": "test",
        "component": "relay",
        "count": 3,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"patient_name": CANARY},
        {"payload": {"a": CANARY}},
        {"count": {"a": CANARY}},
        {"reason": Phi(CANARY)},
        {"topics": [CANARY, 1]},
        {"topics": [CANARY] * 51},
        {"request_id": CANARY.encode()},
    ],
)
def test_what_is_not_on_the_list_or_not_plain_is_dropped_and_counted(fields: dict[str, Any]) -> None:
    before = metrics.LOG_FIELDS_DROPPED.value()
    with logged() as lines:
        log.error("something", **fields)
    assert CANARY not in lines.text
    assert lines.all()[0]["dropped"] == 1
    assert metrics.LOG_FIELDS_DROPPED.value() == before + 1


def test_long_text_is_cut() -> None:
    with logged() as lines:
        log.info("something", reason="x" * 1000)
    assert len(lines.all()[0]["reason"]) == 500


def test_lines_of_one_event_are_written_at_once_each_with_its_own_span() -> None:
    traced = f"00-{1:032x}-{2:016x}-01"
    with logged() as lines:
        logger("a").info_each("done", [({"count": 1}, traced), ({"count": 2}, traced[:-1] + "0")])
    with logged("WARNING") as silent:
        logger("a").info_each("done", [({"count": 1}, traced)])
    assert [line["count"] for line in lines.of("done")] == [1, 2]
    assert (lines.all()[0]["trace_id"], lines.all()[0]["span_id"]) == (f"{1:032x}", f"{2:016x}")
    assert "trace_id" not in lines.all()[1]
    assert silent.all() == []


_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(0, 2**53), st.floats(), st.text(), st.sampled_from(["x" * 499, "ä" * 501]),
    st.lists(st.text(max_size=3), max_size=3), st.just(Phi(CANARY)), st.dictionaries(st.text(), st.text(), max_size=1),
)  # fmt: skip
_NAMES = st.sampled_from([*LOG_FIELDS, "patient_name"])


@given(st.dictionaries(_NAMES, _VALUES, max_size=4), st.sampled_from(["00", "01"]))
def test_of_many_lines_each_says_what_it_would_say_by_itself(fields: dict[str, Any], flags: str) -> None:
    span = f"00-{1:032x}-{2:016x}-{flags}"
    with logged() as lines, tracing.span("alone", parent=span):
        log.info_each("done", [(fields, span)])
        log._write("info", "done", fields)
    many, alone = ({**line, "time": "now"} for line in lines.all())
    assert (many, list(many)) == (alone, list(alone))


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("DEBUG", ["debug", "info", "warning", "error"]),
        ("INFO", ["info", "warning", "error"]),
        ("WARNING", ["warning", "error"]),
        ("ERROR", ["error"]),
    ],
)
def test_a_level_lets_pass_itself_and_what_is_worse(level: str, written: list[str]) -> None:
    with logged(level) as lines:
        for method in (log.debug, log.info, log.warning, log.error):
            method("happened")
    assert [line["level"] for line in lines.of("happened")] == written


def fail(error: Exception, cause: Exception | None = None) -> None:
    raise error from cause


def told_of(raised: Exception, cause: Exception | None = None) -> tuple[dict[str, Any], Lines]:
    with logged() as lines:
        try:
            fail(raised, cause)
        except Exception as error:  # noqa: BLE001
            log.error("failed", error=error)  # noqa: TRY400
    return lines.all()[0], lines


def test_a_foreign_exception_is_told_by_class_and_place_alone() -> None:
    line, lines = told_of(ValueError(CANARY))
    assert line["error"] == "ValueError"
    assert "message" not in line
    assert line["frames"][-1].startswith("unit/test_logs.py:")
    assert line["frames"][-1].endswith(" fail")
    assert CANARY not in lines.text


def test_an_exception_of_ours_is_told_with_its_words() -> None:
    line, _ = told_of(StatementFailed("23503", "fk"))
    assert line["message"] == "Postgres refused a statement (sqlstate 23503, constraint fk)"


def test_the_class_of_a_cause_is_told() -> None:
    line, lines = told_of(KafkaRefused("ours"), KeyError(CANARY))
    assert line["cause"] == "KeyError"
    assert CANARY not in lines.text


def test_of_a_group_the_first_exception_is_told() -> None:
    line, _ = told_of(ExceptionGroup("many", [ExceptionGroup("inner", [LookupError(CANARY)]), ValueError()]))
    assert line["error"] == "LookupError"


def test_libraries_are_reduced_to_level_and_name() -> None:
    library = logging.getLogger("aiokafka.producer.sender")
    with logged() as lines:
        library.info("bootstrapping %s", CANARY)
        library.warning("produce failed for key %s", CANARY)
        try:
            fail(ValueError(CANARY))
        except ValueError:
            library.exception("value %s", CANARY)
    assert CANARY not in lines.text
    first, second = lines.of("library_message")
    assert (first["level"], first["library"]) == ("warning", "aiokafka.producer.sender")
    assert (second["level"], second["error"]) == ("error", "ValueError")


def test_what_a_library_says_over_and_over_is_told_once_a_second_with_its_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    library = logging.getLogger("aiokafka.flood")
    with logged() as lines:
        for _ in range(500):
            library.error("no broker")
        library.warning("another level is another matter")
        now += 1.0
        library.error("no broker")
    told = [(line["level"], line["count"]) for line in lines.of("library_message")]
    assert told == [("error", 1), ("warning", 1), ("error", 500)]


def test_a_library_with_a_handler_of_its_own_is_taken_over() -> None:
    library = logging.getLogger("library.with.handler")
    library.addHandler(logging.StreamHandler())
    library.propagate = False
    with logged() as lines:
        library.warning(CANARY)
    assert lines.of("library_message")
    assert CANARY not in lines.text


def test_every_field_is_explained() -> None:
    assert all(len(meaning) > 5 for meaning in LOG_FIELDS.values())
    assert not {"patient_id", "payload", "token", "url", "path", "query"} & LOG_FIELDS.keys()
