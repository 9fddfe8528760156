"""From a typed value to the wire."""

from datetime import datetime
from typing import Any

import orjson

from carewire_contracts.timestamps import format_timestamp
from carewire_contracts.values.value_type import TypedValue, ValueType


def to_wire(value: TypedValue, value_type: ValueType) -> Any:
    """Write a typed value as canonical JSON; `from_wire` with the same type reads it back.

    Raises ValueError for a date without a time zone, which no parser makes.
    """
    if value_type is ValueType.DATE and isinstance(value, datetime):
        return format_timestamp(value)
    return value


def to_text(value: TypedValue, value_type: ValueType) -> str:
    """Write a typed value in the reference's string form (section 4.5): `"1"`, `"10"`, `"[1, 2, 4]"`.

    `parse_value` with the same type reads it back. Raises ValueError as `to_wire` does.
    """
    wire = to_wire(value, value_type)
    if isinstance(wire, str) and value_type is not ValueType.JSON:
        return wire
    if isinstance(wire, bool) and value_type is ValueType.BOOLEAN:
        return "1" if wire else "0"
    if isinstance(wire, list):
        return f"[{', '.join(map(_json_text, wire))}]"
    return _json_text(wire)


def _json_text(wire: Any) -> str:
    return orjson.dumps(wire).decode()
