"""Points in time on the wire: ISO 8601 in UTC with milliseconds, as in `2026-03-02T08:15:30.120Z`."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, PlainSerializer, WithJsonSchema


def format_timestamp(moment: datetime) -> str:
    """Write an aware datetime in UTC with milliseconds (cut, not rounded: never later than the moment).

    Raises ValueError for a naive datetime, whose meaning would depend on the machine that reads it.
    """
    if moment.tzinfo is None:
        raise ValueError("a timestamp needs a time zone; make the datetime aware, e.g. datetime.now(UTC)")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    second = _second(moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return f"{second}.{moment.microsecond // 1000:03d}Z"


def format_milliseconds(moment: int) -> str:
    """Write a time that is given as milliseconds since 1970, as `format_timestamp` does."""
    seconds, milliseconds = divmod(moment, 1000)
    return f"{_since_1970(seconds)}.{milliseconds:03d}Z"


@lru_cache(maxsize=1_024)
def _since_1970(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")


@lru_cache(maxsize=1_024)
def _second(*parts: int) -> str:
    """A second as text, kept: the timestamps of a busy moment share it."""
    return datetime(*parts).isoformat()  # type: ignore[arg-type]  # noqa: DTZ001 (its zone is written apart)


def parse_timestamp(text: str) -> datetime:
    """Read an ISO 8601 timestamp with an offset; the answer is in UTC.

    Raises ValueError where the text is no timestamp or says no offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the timestamp says no offset; end it with Z or +hh:mm")
    return _in_utc(moment)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the timestamp lies, in UTC, outside of the years 1 to 9999") from None


Timestamp = Annotated[
    AwareDatetime,
    AfterValidator(_in_utc),
    PlainSerializer(format_timestamp, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A model field that is an aware datetime in Python and a string of `format_timestamp` on the wire."""
