"""When values are empty, equal or ordered.

Rules compare what they are given, typed values and raw JSON alike. So where a string meets a boolean, a
number or a date, the string is read as such (a form body holds `"10"` where a JSON body holds `10`, and the
reference writes all operands as strings). Two strings are equal only if they are the same; they are ordered
as numbers, else as dates, never by alphabet. A boolean is no number. Nothing here raises or recurses.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from carewire_contracts.values.reading import read_boolean, read_date, read_number

_READERS: Final[dict[type, Callable[[str], object]]] = {
    bool: read_boolean,
    int: read_number,
    float: read_number,
    datetime: read_date,
}


_ORDERED: Final[dict[type, type]] = {int: float, float: float, datetime: datetime}
"""What has an order, and with what."""


def is_empty(value: object) -> bool:
    """Whether a value says nothing: absent, null, `""`, `[]` or `{}`. False and 0 do say something."""
    return value is None or (not value and isinstance(value, str | list | dict))


def equal(left: object, right: object) -> bool:
    """Whether two values are the same, a string being read as what it meets."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return _same(*_read_alike(left, right))


def comparable(left: object, right: object) -> tuple[Any, Any] | None:
    """Both values as two numbers or two dates, ready for `<`; None where they have no order."""
    if isinstance(left, str) and isinstance(right, str):
        return _both(read_number, left, right) or _both(read_date, left, right)
    left, right = _read_alike(left, right)
    kind = _ORDERED.get(type(left))
    if kind is None or kind is not _ORDERED.get(type(right)) or _is_naive(left) or _is_naive(right):
        return None
    return left, right


class Items:
    """A list of scalars, indexed so that asking whether it holds a value takes the same time at any length.

    Arrays and objects among the items equal nothing.
    """

    __slots__ = ("_read", "_strings", "_typed")

    def __init__(self, items: Iterable[object]) -> None:
        self._strings: set[str] = set()
        self._typed: set[tuple[str, object]] = set()
        self._read: set[tuple[str, object]] | None = None
        for item in items:
            if isinstance(item, str):
                self._strings.add(item)
            elif type(item) in _READERS:
                self._typed.add(_key(item))

    def __contains__(self, value: object) -> bool:
        if isinstance(value, str):
            return value in self._strings or (bool(self._typed) and not self._typed.isdisjoint(_readings(value)))
        if type(value) not in _READERS:
            return False
        key = _key(value)
        return key in self._typed or key in self._read_strings()

    def _read_strings(self) -> set[tuple[str, object]]:
        """Index what the strings say; once, and only when a value is no string."""
        if self._read is None:
            self._read = {reading for text in self._strings for reading in _readings(text)}
        return self._read


def _read_alike(left: object, right: object) -> tuple[object, object]:
    if isinstance(left, str) and type(right) in _READERS:
        return _READERS[type(right)](left), right
    if isinstance(right, str) and type(left) in _READERS:
        return left, _READERS[type(left)](right)
    return left, right


def _both(read: Callable[[str], Any], left: str, right: str) -> tuple[Any, Any] | None:
    first = read(left)
    second = None if first is None else read(right)
    return None if second is None else (first, second)


def _is_naive(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is None


def _same(left: object, right: object) -> bool:
    pending = [(left, right)]
    while pending:
        one, other = pending.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            pending.extend((part, other[key]) for key, part in one.items())
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            pending.extend(zip(one, other, strict=True))
        elif one != other or isinstance(one, bool) is not isinstance(other, bool):
            return False
    return True


def _key(value: object) -> tuple[str, object]:
    """Tell `True` from `1`, which Python calls equal."""
    return ("boolean" if isinstance(value, bool) else "other", value)


def _readings(text: str) -> list[tuple[str, object]]:
    readings = (read_boolean(text), read_number(text), read_date(text))
    return [_key(reading) for reading in readings if reading is not None]
