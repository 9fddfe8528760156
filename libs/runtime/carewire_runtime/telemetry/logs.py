"""Logs: one JSON object a line on stderr, made of the fields of `log_fields` and nothing else.

Use: `log = logger("relay")`, then `log.info("batch_published", count=12)`. The first argument is a fixed
event name, never text put together at run time. Exceptions are passed as `error=`: an exception of our own
is shown with its message, any other by its class and the places of its traceback, because a driver's text
may hold a row or a payload. Library loggers are reduced to level, logger name and a fixed event for the same
reason.
"""

import logging
import math
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import BinaryIO, Final

import orjson

from carewire_runtime.errors import CarewireError
from carewire_runtime.telemetry import metrics, tracing
from carewire_runtime.telemetry.log_fields import LOG_FIELDS

DEBUG: Final = logging.DEBUG
INFO: Final = logging.INFO
WARNING: Final = logging.WARNING
ERROR: Final = logging.ERROR

_LONGEST_TEXT: Final = 500
_MOST_ITEMS: Final = 50
_TOLD_EVERY_S: Final = 1.0

LogValue = str | int | float | bool | None | list[str] | tuple[str, ...]


class _Sink:
    """Where lines go, and from which level on. There is one, for the whole process."""

    def __init__(self) -> None:
        self.service = "carewire"
        self.level = INFO
        self.stream: BinaryIO | None = None

    def write(self, lines: bytes) -> None:
        stream = self.stream or sys.stderr.buffer
        stream.write(lines)
        stream.flush()


_sink = _Sink()


class Log:
    """Writes lines of one component."""

    __slots__ = ("_component",)

    def __init__(self, component: str) -> None:
        self._component = component

    def debug(self, event: str, **fields: object) -> None:
        """Write what only a developer wants to know."""
        if _sink.level <= DEBUG:
            self._write("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Write what happened in the ordinary course of things."""
        if _sink.level <= INFO:
            self._write("info", event, fields)

    def info_each(self, event: str, lines: Sequence[tuple[dict[str, object], str]]) -> None:
        """Write one line for each of these fields, all at once; beside them stands the traceparent of their span."""
        if _sink.level <= INFO:
            head = self._head("info", event)
            begins = orjson.dumps(head)[:-1] + b","
            _sink.write(b"".join([_one_of_many(head, begins, fields, span) for fields, span in lines]))

    def warning(self, event: str, **fields: object) -> None:
        """Write what mends itself but should not happen often."""
        if _sink.level <= WARNING:
            self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Write what somebody must look at. Takes an exception as `error=`, like the other levels."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        _sink.write(_line(self._head(level, event), fields, tracing.current_ids()))

    def _head(self, level: str, event: str) -> dict[str, object]:
        """What the lines of one moment have in common."""
        return {
            "time": _timestamp(),
            "level": level,
            "event": event,
            "service": _sink.service,
            "component": self._component,
        }


def _one_of_many(head: dict[str, object], begins: bytes, fields: dict[str, object], span: str) -> bytes:
    """Write a line that begins as others do. Where all is plain the fields need no look at each of them."""
    if _PLAIN.issuperset(map(type, fields.values())) and _OF_LINES.issuperset(fields) and not span.endswith("01"):
        told = orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
        if _EMPTY < len(told) <= _LONGEST_TEXT:  # then none of its texts is longer
            return begins + told[1:]
    return _line(head, fields, tracing.recorded_ids(span))


def _line(head: dict[str, object], fields: dict[str, object], ids: tuple[str | None, str | None]) -> bytes:
    line = head.copy()
    trace_id, span_id = ids
    if trace_id:
        line |= {"trace_id": trace_id, "span_id": span_id}
    dropped = _add(line, fields)
    if dropped:
        metrics.LOG_FIELDS_DROPPED.add(dropped)
        line["dropped"] = dropped
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def logger(component: str) -> Log:
    """Return the log of a component."""
    return Log(component)


def configure_logs(service: str, level: str = "INFO", stream: BinaryIO | None = None) -> None:
    """Set service name, least level and stream (stderr by default), and take over all library loggers."""
    _sink.service = service
    _sink.level = logging.getLevelNamesMapping()[level]
    _sink.stream = stream
    root = logging.getLogger()
    root.handlers = [_LibraryHandler()]
    root.setLevel(WARNING)
    # A library may have given itself a handler that prints its text; what it says goes through ours alone.
    for name in list(logging.root.manager.loggerDict):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = True


class _LibraryHandler(logging.Handler):
    """Says that a library had something to say, without repeating it, and not over and over.

    A driver without its server says the same hundreds of times a second. A logger's messages of one level are
    told once a second, `count` being how many came since; an exception is always told.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, bool], _Told] = {}

    def emit(self, record: logging.LogRecord) -> None:
        grave = record.levelno >= ERROR
        told = self._told.setdefault((record.name, grave), _Told())
        told.count += 1
        fields: dict[str, object] = {"library": record.name}
        if record.exc_info and record.exc_info[1]:
            fields["error"] = record.exc_info[1]
        elif time.monotonic() - told.at < _TOLD_EVERY_S:
            return
        log = Log("library")
        (log.error if grave else log.warning)("library_message", count=told.count, **fields)
        told.at, told.count = time.monotonic(), 0


@dataclass(slots=True)
class _Told:
    """When a logger's messages were last told, and how many came since."""

    at: float = -math.inf
    count: int = 0


def _add(line: dict[str, object], fields: dict[str, object]) -> int:
    dropped = 0
    for name, value in fields.items():
        # Numbers and short texts, which nearly every field holds, are recognised without a call.
        is_plain = type(value) in _SCALARS or (type(value) is str and len(value) <= _LONGEST_TEXT) or _is_plain(value)
        if is_plain and name in LOG_FIELDS:
            line[name] = value
        elif name in LOG_FIELDS and isinstance(value, str):
            line[name] = value[:_LONGEST_TEXT]
        elif isinstance(value, BaseException):
            line |= describe(value)
        else:
            dropped += 1
    return dropped


_SCALARS: Final = frozenset({int, float, bool, NoneType})
_PLAIN: Final = _SCALARS | {str}
_OF_LINES: Final = frozenset(LOG_FIELDS) - {"time", "level", "event", "service", "component", "dropped"}
"""Fields that a line may have beside those that it begins or ends with."""
_EMPTY: Final = len(b"{}\n")


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_TEXT
    if isinstance(value, _SEQUENCES):
        return not value or (len(value) <= _MOST_ITEMS and all(isinstance(item, str) for item in value))
    return isinstance(value, _NUMBERS)


_SEQUENCES: Final = (list, tuple)
_NUMBERS: Final = (int, float)


class _Second:
    """The current second as text, made once in each."""

    number = -1
    text = ""


def _timestamp() -> str:
    second, rest = divmod(time.time_ns(), 1_000_000_000)
    if second != _Second.number:
        _Second.number, _Second.text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
    return f"{_Second.text}.{rest // 1_000_000:03d}Z"


def describe(error: BaseException) -> dict[str, object]:
    """Return what may be told of an exception: class, our own text, places. Of a group, its first leaf."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    told: dict[str, object] = {"error": type(error).__qualname__}
    if isinstance(error, CarewireError):
        told["message"] = str(error)
    if cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        told["cause"] = type(cause).__qualname__
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        told["frames"] = [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames[-15:]]
    return told


def _short(filename: str) -> str:
    return "/".join(Path(filename).parts[-2:])
