"""From a sender's value to a typed one: total, and silent about what the value was.

Strings are read in the reference's string forms (section 4.5), everything else as native JSON. What is
doubtful is refused with a description, for a wrong value in a care flow costs more than a rejected request.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import phonenumbers

from carewire_contracts.record import record
from carewire_contracts.values.reading import (
    canonical_number,
    lacks_zone,
    looks_like_number,
    read_array,
    read_boolean,
    read_date,
    read_json,
    read_number,
)
from carewire_contracts.values.soundness import (
    MAX_ITEMS,
    MAX_JSON_TEXT,
    NUMBERS,
    json_fault,
    name_of,
    number_fault,
    text_fault,
)
from carewire_contracts.values.value_type import TypedValue, ValueType


@record()
class Parsed:
    """A value of the type that was asked for. Its repr hides the value, which may be health data."""

    value: TypedValue = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why a value was refused, in words that never hold the value."""

    expected: str
    found: str

    def __str__(self) -> str:
        return f"expected {self.expected}, found {self.found}"


MAX_URL: Final = 2_048
"""Characters of an attachment's URL: what browsers and proxies agree to carry."""

_E164: Final = re.compile(r"\+[1-9][0-9]{1,14}")
_URL: Final = re.compile(r"https?://[^\s\x00-\x1f\x7f]+", re.IGNORECASE)

_TEXTUAL: Final = frozenset({ValueType.STRING, ValueType.DATE, ValueType.TELEPHONE, ValueType.ATTACHMENT})
"""Types that are strings on the wire."""


Parser: TypeAlias = Callable[[object], "Parsed | Mismatch"]


def parse_value(raw: object, value_type: ValueType) -> Parsed | Mismatch:
    """Read a sender's value as the given type. Never raises.

    Accepts native JSON and the reference's string forms. A number is not taken for a string, nor a boolean
    for a number or the other way round: such a mapping more often points at the wrong field than at the
    right one.
    """
    return _PARSERS[value_type](raw)


def parser_of(value_type: ValueType) -> Parser:
    """Choose the parser of a type once, for whoever reads many values of it: it does as `parse_value`."""
    return _PARSERS[value_type]


def from_wire(wire: object, value_type: ValueType) -> TypedValue:
    """Read back what `to_wire` wrote.

    Raises ValueError, without the value, where it is not of that type.
    """
    textual = value_type in _TEXTUAL
    reading: _Reading = name_of(wire)
    if textual and isinstance(wire, str):
        reading = _FROM_TEXT[value_type](wire)
    elif not textual and (value_type is ValueType.JSON or not isinstance(wire, str)):
        reading = _FROM_JSON[value_type](wire)
    if isinstance(reading, Parsed):
        return reading.value
    raise ValueError(str(Mismatch(_EXPECTED[value_type], reading)))


_Reading: TypeAlias = Parsed | str
"""A value, or what was found instead of one."""


def _boolean_from_text(text: str) -> _Reading:
    value = read_boolean(text)
    return "string that is not a boolean" if value is None else Parsed(value)


def _boolean_from_json(raw: object) -> _Reading:
    return Parsed(raw) if isinstance(raw, bool) else name_of(raw)


def _number_from_text(text: str) -> _Reading:
    value = read_number(text)
    if value is not None:
        return Parsed(value)
    return "string with a number out of bounds" if looks_like_number(text) else "string that is not a number"


def _number_from_json(raw: object) -> _Reading:
    if isinstance(raw, bool) or not isinstance(raw, NUMBERS):
        return name_of(raw)
    return number_fault(raw) or Parsed(raw if isinstance(raw, int) else canonical_number(raw))


def _date_from_text(text: str) -> _Reading:
    value = read_date(text)
    if value is not None:
        return Parsed(value)
    return "date-time without a time zone" if lacks_zone(text) else "string that is not a date"


def _string_from_text(text: str) -> _Reading:
    return text_fault(text) or Parsed(text)


def _telephone_from_text(text: str) -> _Reading:
    text = text.strip()
    if not _E164.fullmatch(text):
        return "string that is not an E.164 number"
    try:
        possible = phonenumbers.is_possible_number(phonenumbers.parse(text))
    except phonenumbers.NumberParseException:
        possible = False
    return Parsed(text) if possible else "telephone number that its country cannot have"


def _attachment_from_text(text: str) -> _Reading:
    if len(text) > MAX_URL:
        return f"string longer than {MAX_URL} characters"
    fault = text_fault(text)
    if fault:
        return fault
    return Parsed(text) if _URL.fullmatch(text) and _has_host(text) else "string that is not an http(s) URL"


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:  # brackets that enclose no IPv6 address
        return False


def _json_from_text(text: str) -> _Reading:
    if len(text) > MAX_JSON_TEXT:
        return f"string longer than {MAX_JSON_TEXT} characters"
    value = read_json(text)
    return "string that is not JSON" if value is None else _json_from_json(value)


def _json_from_json(raw: object) -> _Reading:
    if raw is None:
        return "null"
    return json_fault(raw) or Parsed(raw)  # type: ignore[arg-type]  # json_fault has seen every part


def _array_from_text(item_type: ValueType) -> Callable[[str], _Reading]:
    def read(text: str) -> _Reading:
        if len(text) > MAX_JSON_TEXT:
            return f"string longer than {MAX_JSON_TEXT} characters"
        array = read_array(text)
        return "string that is not an array" if array is None else _array(array, item_type)

    return read


def _array_from_json(item_type: ValueType) -> Callable[[object], _Reading]:
    def read(raw: object) -> _Reading:
        return _array(raw, item_type) if isinstance(raw, list) else name_of(raw)

    return read


def _array(raw: list[object], item_type: ValueType) -> _Reading:
    if len(raw) > MAX_ITEMS:
        return f"array of more than {MAX_ITEMS} items"
    values: list[TypedValue] = []
    for index, item in enumerate(raw):
        outcome = parse_value(item, item_type)
        if isinstance(outcome, Mismatch):
            return f"array with {outcome.found} at index {index}"
        values.append(outcome.value)
    return Parsed(values)


_EXPECTED: Final[dict[ValueType, str]] = {
    ValueType.BOOLEAN: "boolean",
    ValueType.STRING: "string",
    ValueType.NUMBER: "number",
    ValueType.DATE: "date (ISO 8601)",
    ValueType.NUMBERS_ARRAY: "array of numbers",
    ValueType.STRINGS_ARRAY: "array of strings",
    ValueType.JSON: "JSON",
    ValueType.TELEPHONE: "telephone number (E.164)",
    ValueType.ATTACHMENT: "attachment (http(s) URL)",
    ValueType.ATTACHMENTS_ARRAY: "array of attachments (http(s) URLs)",
}

_FROM_TEXT: Final[dict[ValueType, Callable[[str], _Reading]]] = {
    ValueType.BOOLEAN: _boolean_from_text,
    ValueType.STRING: _string_from_text,
    ValueType.NUMBER: _number_from_text,
    ValueType.DATE: _date_from_text,
    ValueType.NUMBERS_ARRAY: _array_from_text(ValueType.NUMBER),
    ValueType.STRINGS_ARRAY: _array_from_text(ValueType.STRING),
    ValueType.JSON: _json_from_text,
    ValueType.TELEPHONE: _telephone_from_text,
    ValueType.ATTACHMENT: _attachment_from_text,
    ValueType.ATTACHMENTS_ARRAY: _array_from_text(ValueType.ATTACHMENT),
}

_FROM_JSON: Final[dict[ValueType, Callable[[object], _Reading]]] = {
    ValueType.BOOLEAN: _boolean_from_json,
    ValueType.STRING: name_of,
    ValueType.NUMBER: _number_from_json,
    ValueType.DATE: name_of,
    ValueType.NUMBERS_ARRAY: _array_from_json(ValueType.NUMBER),
    ValueType.STRINGS_ARRAY: _array_from_json(ValueType.STRING),
    ValueType.JSON: _json_from_json,
    ValueType.TELEPHONE: name_of,
    ValueType.ATTACHMENT: name_of,
    ValueType.ATTACHMENTS_ARRAY: _array_from_json(ValueType.ATTACHMENT),
}


def _parser(value_type: ValueType) -> Parser:
    from_text, from_json, expected = _FROM_TEXT[value_type], _FROM_JSON[value_type], _EXPECTED[value_type]

    def parse(raw: object) -> Parsed | Mismatch:
        reading = from_text(raw) if isinstance(raw, str) else from_json(raw)
        return Mismatch(expected, reading) if isinstance(reading, str) else reading

    return parse


_PARSERS: Final[dict[ValueType, Parser]] = {value_type: _parser(value_type) for value_type in ValueType}
