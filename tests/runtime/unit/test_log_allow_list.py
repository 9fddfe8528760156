"""Nothing gets into a log line but the fields of the list, whatever is thrown at it."""

import logging
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carewire_runtime.errors import CarewireError
from carewire_runtime.phi import Phi
from carewire_runtime.telemetry.log_fields import LOG_FIELDS
from carewire_runtime.telemetry.logs import describe, logger
from carewire_testing_runtime.log import logged

CANARY = "canary-7e57"
ALWAYS = {"time", "level", "event", "service", "component", "trace_id", "span_id", "dropped"}
OF_ERRORS = {"error", "message", "cause", "frames"}
log = logger("test")


@dataclass
class Patient:
    name: str = CANARY


names = st.sampled_from(sorted(LOG_FIELDS)) | st.text(min_size=1, max_size=12)
secrets = st.sampled_from(
    [
        Phi(CANARY),
        Patient(),
        {"name": CANARY},
        [{"name": CANARY}],
        [CANARY.encode()],
        CANARY.encode(),
        (1, CANARY),
        {CANARY},
        ValueError(CANARY),
        KeyError(CANARY),
        ExceptionGroup(CANARY, [ValueError(CANARY)]),
        type(CANARY, (), {}),
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(names, secrets, max_size=8))
def test_values_that_are_not_plain_never_show_what_they_hold(fields: dict[str, Any]) -> None:
    fields = {name: value for name, value in fields.items() if name not in ("event", "self")}
    with logged() as lines:
        log.error("something", **fields)
    assert CANARY not in lines.text
    [line] = lines.all()
    assert line.keys() <= ALWAYS | OF_ERRORS | LOG_FIELDS.keys()
    errors = sum(isinstance(value, BaseException) for value in fields.values())
    assert line.get("dropped", 0) == len(fields) - errors


@given(st.dictionaries(st.text(min_size=1, max_size=12), st.just(CANARY), max_size=6))
def test_a_field_that_is_not_on_the_list_is_dropped_though_it_is_plain_text(fields: dict[str, str]) -> None:
    unlisted = {
        name: value for name, value in fields.items() if name not in LOG_FIELDS and name not in ("event", "self")
    }
    with logged() as lines:
        log.info("something", **unlisted)
    assert CANARY not in lines.text
    assert lines.all()[0].get("dropped", 0) == len(unlisted)


@given(
    st.sampled_from(sorted(LOG_FIELDS)),
    st.text(max_size=600) | st.integers(-(2**53), 2**53) | st.booleans() | st.none(),
)
def test_every_listed_field_is_one_line_of_json_whatever_its_text_holds(name: str, value: Any) -> None:
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return
    with logged() as lines:
        log.info("something", **{name: value})
    assert lines.text.count("\n") == 1
    written = orjson.loads(lines.text)[name]
    assert written == (value[:500] if isinstance(value, str) else value)


def boom(text: str) -> None:
    """Raise what a driver would, with a value among its locals and in its text."""
    held = f"{text} in a local"
    raise RuntimeError(held)


def caught(text: str) -> RuntimeError:
    try:
        boom(text)
    except RuntimeError as error:
        return error
    raise AssertionError


def test_an_exception_is_told_without_its_text_its_locals_its_notes_and_its_context() -> None:
    inner = caught(CANARY)
    inner.add_note(CANARY)
    try:
        try:
            raise inner
        except RuntimeError:
            raise KeyError(CANARY)  # noqa: B904  its context is the point
    except KeyError as error:
        told = describe(error)
    assert CANARY not in str(told)
    assert (told["error"], told["cause"]) == ("KeyError", "RuntimeError")
    assert "message" not in told


def test_a_cause_that_was_suppressed_is_not_told() -> None:
    try:
        try:
            boom(CANARY)
        except RuntimeError:
            raise CarewireError("in our words") from None
    except CarewireError as error:
        told = describe(error)
    assert told["message"] == "in our words"
    assert "cause" not in told


def test_a_deep_traceback_is_cut_to_its_last_places() -> None:
    def dive(depth: int) -> None:
        if depth == 0:
            boom(CANARY)
        dive(depth - 1)

    with pytest.raises(RuntimeError) as raised:
        dive(40)
    frames = describe(raised.value)["frames"]
    assert isinstance(frames, list)
    assert len(frames) == 15
    assert frames[-1].endswith(" boom")


@pytest.mark.parametrize("level", [logging.WARNING, logging.ERROR, logging.CRITICAL])
def test_a_library_s_arguments_extras_and_exceptions_stay_inside(level: int) -> None:
    library = logging.getLogger("asyncpg.canaryless")
    with logged() as lines:
        library.log(level, "row %s", CANARY, extra={"row": CANARY}, exc_info=caught(CANARY), stack_info=True)
    [line] = lines.all()
    assert CANARY not in lines.text
    assert line["event"] == "library_message"
    assert line["level"] == ("warning" if level == logging.WARNING else "error")
