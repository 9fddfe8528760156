"""From a sender's value straight to the wire, for whoever only passes values on.

What most senders send is in its wire form already or a step away from it. Such values are recognised here, and
everything else takes the long way: parsed, then written. A webhook's call transcribes some ten of them.
"""

from collections.abc import Callable
from datetime import date
from typing import Any, Final, TypeAlias

from carewire_contracts.values.parsing import Mismatch, parser_of
from carewire_contracts.values.soundness import LARGEST_INTEGER, MAX_TEXT, SMALLEST_INTEGER
from carewire_contracts.values.value_type import ValueType
from carewire_contracts.values.writing import to_wire

Transcriber: TypeAlias = Callable[[object], Any]
"""Gives the wire form of a value, or a Mismatch. Never raises."""

_DATE_LENGTH: Final = len("2026-03-05")


def transcriber_of(value_type: ValueType) -> Transcriber:
    """What does as `parse_value` and then `to_wire` for values of a type."""
    parse, short_way = parser_of(value_type), _SHORT_WAYS.get(value_type, _none)

    def transcribe(raw: object) -> Any:
        short = short_way(raw)
        if short is not None:
            return short
        parsed = parse(raw)
        return parsed if isinstance(parsed, Mismatch) else to_wire(parsed.value, value_type)

    return transcribe


def _none(_: object) -> None:
    """No value of this type has a short way."""


def _boolean(raw: object) -> bool | None:
    return raw if raw is True or raw is False else None


def _number(raw: object) -> int | None:
    return raw if type(raw) is int and SMALLEST_INTEGER <= raw <= LARGEST_INTEGER else None


def _string(raw: object) -> str | None:
    if type(raw) is not str or len(raw) > MAX_TEXT or not raw.isascii() or "\0" in raw:
        return None
    return raw


def _date(raw: object) -> str | None:
    """Midnight UTC of a plain date such as `2026-03-05`, if the calendar has it."""
    if type(raw) is not str or len(raw) != _DATE_LENGTH or raw[4] != "-" or raw[7] != "-":
        return None  # of the same length as dates are weeks, `2026-W10-4`
    try:
        date.fromisoformat(raw)
    except ValueError:
        return None
    return raw + "T00:00:00.000Z"


_SHORT_WAYS: Final[dict[ValueType, Callable[[object], Any]]] = {
    ValueType.BOOLEAN: _boolean,
    ValueType.NUMBER: _number,
    ValueType.STRING: _string,
    ValueType.DATE: _date,
}
