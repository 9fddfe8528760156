"""What a string says when it is read as a boolean, a number, a date or JSON.

Each reader answers None where the string does not say exactly one such thing. White space around is ignored.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from carewire_contracts.values.soundness import number_fault

_BOOLEAN_WORDS: Final = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}
_LONGEST_WORD: Final = 64
"""Longer strings are no boolean, number or date, and need no closer look."""

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<real>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_DATE: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?P<time>[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?"
    r"(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_LARGEST_EXACT: Final = 2**53
"""Up to here a float stands for exactly one integer."""


def read_boolean(text: str) -> bool | None:
    """Read the reference's boolean words, in any case: true/false, t/f, yes/no, y/n, 1/0."""
    return _BOOLEAN_WORDS.get(text.strip().lower()) if len(text) <= _LONGEST_WORD else None


def looks_like_number(text: str) -> bool:
    """Whether a string is written as a JSON number, be it too large to hold.

    JSON's own grammar: `007` is an identifier and `1,5` depends on the country, so neither is a number.
    """
    return _NUMBER.fullmatch(text.strip()) is not None


def read_number(text: str) -> int | float | None:
    """Read a number written as in JSON, in its canonical form."""
    if len(text) > _LONGEST_WORD:
        return None
    text = text.strip()
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    number = float(text) if match["real"] else int(text)
    return None if number_fault(number) else canonical_number(number)


def canonical_number(number: float) -> int | float:
    """Make whole numbers integers, so that `10`, `10.0` and `"10"` are written alike."""
    exact = abs(number) <= _LARGEST_EXACT and float(number).is_integer()
    return int(number) if exact else number


def lacks_zone(text: str) -> bool:
    """Whether a string is an ISO 8601 date with a time of day but without a time zone."""
    match = _date_match(text)
    return match is not None and match["time"] is not None and match["zone"] is None


def _date_match(text: str) -> re.Match[str] | None:
    return _DATE.fullmatch(text.strip().upper()) if len(text) <= _LONGEST_WORD else None


def read_date(text: str) -> datetime | None:
    """Read an ISO 8601 date (midnight UTC) or date-time with a zone, in UTC, cut to whole milliseconds.

    A date-time without a zone is refused: a guess may be half a day wrong, which moves an appointment to
    another day, and the sender can say `Z`.
    """
    match = _date_match(text)
    if match is None or (match["time"] and not match["zone"]):
        return None
    try:
        moment = datetime.fromisoformat(match[0])
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # 30 February; an offset that leaves the calendar
        return None
    beyond_milliseconds = moment.microsecond % 1000
    return moment.replace(microsecond=moment.microsecond - beyond_milliseconds) if beyond_milliseconds else moment


def read_json(text: str) -> Any | None:
    """Read a JSON text, integers exact; None for what is no JSON and for `null`, which says no value."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


_QUOTED_ARRAY: Final = re.compile(r"\[\s*(?:'[^'\\]*'\s*(?:,\s*'[^'\\]*'\s*)*)?\]")


def read_array(text: str) -> list[Any] | None:
    """Read a JSON array, or one of strings in single quotes such as `['1','2']`."""
    text = text.strip()
    if _QUOTED_ARRAY.fullmatch(text):
        return re.findall(r"'([^']*)'", text)
    array = read_json(text)
    return array if isinstance(array, list) else None
