"""What no value may be, whatever its type: too large, too deep, or not storable as JSON text.

Faults are described by kind, never by content, because descriptions end in answers and logs.
"""

import math
from typing import Final

MAX_TEXT: Final = 65_536
"""Characters of one string: far above any answer that a person types, far below a Kafka record."""

MAX_ITEMS: Final = 10_000
"""Items of one array value."""

MAX_JSON_TEXT: Final = 1_048_576
"""Characters of a JSON text: the default cap of a whole request body."""

MAX_JSON_DEPTH: Final = 64
"""Nested containers of a JSON value: readers downstream recurse."""

MAX_JSON_NODES: Final = 100_000
"""Scalars and containers of a JSON value."""

NUMBERS: Final = (int, float)
"""For isinstance, which takes twice as long over `int | float`. A bool is one of them."""

SMALLEST_INTEGER: Final = -(2**63)
LARGEST_INTEGER: Final = 2**63 - 1
"""Bounds of a 64-bit integer: beyond them readers in other languages would round."""


def name_of(value: object) -> str:
    """Name the JSON type of a value; `unsupported` for what JSON cannot say."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return _NAMES.get(type(value), "unsupported")


_NAMES: Final[dict[type, str]] = {type(None): "null", str: "string", list: "array", dict: "object"}


def text_fault(text: str) -> str | None:
    """Say what is wrong with a string; None when nothing is."""
    if len(text) > MAX_TEXT:
        return f"string longer than {MAX_TEXT} characters"
    if "\0" in text:
        return "string with a NUL character"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "string that is not valid Unicode"
    return None


def number_fault(number: float) -> str | None:
    """Say what is wrong with a number; None when nothing is."""
    if isinstance(number, int):
        return None if SMALLEST_INTEGER <= number <= LARGEST_INTEGER else "number out of bounds"
    return None if math.isfinite(number) else "number that is not finite"


def json_fault(value: object) -> str | None:
    """Say what is wrong with a JSON value, looking at every part of it; None when nothing is.

    Does not recurse, so that no depth of nesting can exhaust the stack.
    """
    pending: list[tuple[object, int]] = [(value, 1)]
    nodes = 0
    while pending:
        node, depth = pending.pop()
        nodes += 1
        if nodes > MAX_JSON_NODES:
            return f"JSON value of more than {MAX_JSON_NODES} parts"
        if depth > MAX_JSON_DEPTH:
            return f"JSON value nested deeper than {MAX_JSON_DEPTH}"
        if isinstance(node, dict):
            pending.extend((part, depth) for part in node)
            pending.extend((part, depth + 1) for part in node.values())
            fault = _keys_fault(node)
        elif isinstance(node, list):
            pending.extend((part, depth + 1) for part in node)
            fault = None
        else:
            fault = _scalar_fault(node)
        if fault:
            return fault
    return None


def _keys_fault(node: dict[object, object]) -> str | None:
    return None if all(isinstance(key, str) for key in node) else "object with a key that is not a string"


def _scalar_fault(value: object) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return text_fault(value)
    if isinstance(value, int | float):
        return number_fault(value)
    return "unsupported"
