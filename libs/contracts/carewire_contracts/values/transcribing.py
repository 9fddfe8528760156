"""From a sender's value straight to the wire, for whoever only passes values on.

What most senders send is in its wire form already or a step away from it. Such values are recognised here, and
everything else takes the long way: parsed, then written. A webhook's call transcribes some ten of them.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from carewire_contracts.timestamps import format_timestamp
from carewire_contracts.values.parsing import Mismatch, parser_of
from carewire_contracts.values.soundness import LARGEST_INTEGER, MAX_TEXT, SMALLEST_INTEGER
from carewire_contracts.values.value_type import ValueType
from carewire_contracts.values.writing import to_wire

Transcriber: TypeAlias = Callable[[object], Any]
"""Gives the wire form of a value, or a Mismatch. Never raises."""

_DATE_LENGTH: Final = len("2026-03-05")
_AFTER_SECONDS: Final = frozenset("Z+-.")
_DIGIT_OR_END: Final = frozenset(("", *"0123456789"))


def transcriber_of(value_type: ValueType) -> Transcriber:
    """What does as `parse_value` and then `to_wire` for values of a type."""
    parse = parser_of(value_type)

    def the_long_way(raw: object) -> Any:
        parsed = parse(raw)
        return parsed if isinstance(parsed, Mismatch) else to_wire(parsed.value, value_type)

    shortened = _SHORT_WAYS.get(value_type)
    return the_long_way if shortened is None else shortened(the_long_way)


def _booleans(the_long_way: Transcriber) -> Transcriber:
    return lambda raw: raw if raw is True or raw is False else the_long_way(raw)


def _numbers(the_long_way: Transcriber) -> Transcriber:
    return lambda raw: raw if type(raw) is int and SMALLEST_INTEGER <= raw <= LARGEST_INTEGER else the_long_way(raw)


def _strings(the_long_way: Transcriber) -> Transcriber:
    return lambda raw: (
        raw if type(raw) is str and len(raw) <= MAX_TEXT and raw.isascii() and "\0" not in raw else the_long_way(raw)
    )


def _dates(the_long_way: Transcriber) -> Transcriber:
    def transcribe(raw: object) -> Any:
        # Weeks are as long as dates: `2026-W10-4`.
        if type(raw) is str and len(raw) >= _DATE_LENGTH and raw[4] == "-" == raw[7]:
            try:
                if len(raw) == _DATE_LENGTH:
                    date.fromisoformat(raw)
                    return raw + "T00:00:00.000Z"
                if _is_moment(raw):
                    return format_timestamp(datetime.fromisoformat(raw))
            except (ValueError, OverflowError):
                pass
        return the_long_way(raw)

    return transcribe


def _is_moment(raw: str) -> bool:
    """Whether marks stand where `2026-03-05T08:15:30+01:00` has them: what the library reads then, we read alike."""
    return (
        raw[19:20] in _AFTER_SECONDS
        and raw[20:21] in _DIGIT_OR_END
        and raw[13] == ":" == raw[16]
        and raw[10] == "T"
        and raw[11:13] != "24"  # the hour that some versions of the library know
        and (raw[-1] == "Z" or (raw[-6] in "+-" and raw[-3] == ":"))
    )


_SHORT_WAYS: Final[dict[ValueType, Callable[[Transcriber], Transcriber]]] = {
    ValueType.BOOLEAN: _booleans,
    ValueType.NUMBER: _numbers,
    ValueType.STRING: _strings,
    ValueType.DATE: _dates,
}
